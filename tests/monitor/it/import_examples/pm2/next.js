module.exports = {
  apps: [
    {
      name: 'shop-web',
      script: 'npm',
      args: 'start -- --port 3100',
      cwd: '/srv/shop',
      instances: 1,
      autorestart: true,
      watch: false,
      max_memory_restart: '1G',
      env: {
        NODE_ENV: 'production',
        PORT: 3100,
      },
    },
  ],
};
