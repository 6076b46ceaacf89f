'use strict';

module.exports = {
  /**
   * Options: see the manual.
   */
  apps: [
    { name: 'site', script: 'index.js', treekill: true, source_map_support: true },
  ],

  deploy: {
    production: {
      user: 'node',
      host: '192.0.2.7',
      ref: 'origin/master',
      repo: 'git@git.example.org:site.git',
      path: '/srv/site',
      'post-deploy': 'npm ci && pm2 reload site',
    },
  },
};
