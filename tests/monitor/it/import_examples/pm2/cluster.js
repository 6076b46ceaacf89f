// pm2 start ecosystem.config.js --env production
module.exports = {
  apps: [{
    name: "api",
    script: "./dist/server.js",
    instances: 2,
    exec_mode: "cluster",
    node_args: "--max-old-space-size=512",
    env: { NODE_ENV: "development" },
    env_production: { NODE_ENV: "production" },
    error_file: "./logs/err.log",
    out_file: "./logs/out.log",
    merge_logs: true,
    log_date_format: "YYYY-MM-DD HH:mm:ss Z",
    listen_timeout: 5000,
    kill_timeout: 5000,
    wait_ready: false,
  }]
}
