module.exports = {
  apps: [
    { name: 'proxy', script: '/srv/proxy/bin/proxy', interpreter: 'none', args: "-c 'my proxy.yml'", uid: 'www-data', gid: 'www-data' },
    { name: 'all', script: 'python3 -m http.server $PORT', env: { PORT: '3200' } },
    { name: 'watcher', script: './watch.sh', watch: ['src'], ignore_watch: ['node_modules'], increment_var: 'PORT' },
  ],
};
