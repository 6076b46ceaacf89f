/** @type {import('pm2').StartOptions} */
export default {
  apps: [
    {
      name: `bot`, // the chat bot
      script: `dist/bot.mjs`,
      interpreter: '/srv/node/bin/node',
      namespace: 'chat',
      exp_backoff_restart_delay: 100,
      env: { GREETING: `Hello,
"world" for $5`, DEBUG: true },
    },
    { name: 'helper', script: 'dist/helper.mjs', namespace: 'chat', stop_exit_codes: [0] },
  ],
}
