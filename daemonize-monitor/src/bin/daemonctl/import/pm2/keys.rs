//! The keys of pm2 and their translation, which are also the table of the documentation.

use super::super::keys::KnownKeys;
use super::super::keys::Translation::{Kept, To};

const NO_WATCH: &str = "files are not watched: let what changes them send `daemonctl restart NAME`";
const LOGS: &str = "each instance has a log file of its own, with its number in the name";
const NODE: &str = "a matter of the program: write it into `args` or `env`";
const MODULE: &str = "there are no modules";

/// The keys of an app.
pub(in super::super) const OF_APPS: KnownKeys = &[
    ("name", To("the header, `[bot.NAME]`")),
    ("namespace", To("`bot_group`")),
    (
        "script",
        To(
            "`command`, `args`: the script if it is a program, else its interpreter with the script first in `args`; by its ending, if `interpreter` is not said",
        ),
    ),
    (
        "args",
        To(
            "`command`, `args`: the script if it is a program, else its interpreter with the script first in `args`; by its ending, if `interpreter` is not said",
        ),
    ),
    (
        "interpreter",
        To(
            "`command`, `args`: the script if it is a program, else its interpreter with the script first in `args`; by its ending, if `interpreter` is not said",
        ),
    ),
    (
        "exec_interpreter",
        To(
            "`command`, `args`: the script if it is a program, else its interpreter with the script first in `args`; by its ending, if `interpreter` is not said",
        ),
    ),
    ("interpreter_args", To("`args`, before the script")),
    ("node_args", To("`args`, before the script")),
    ("cwd", To("`cwd`")),
    ("env", To("`env`")),
    ("env_*", Kept("choose one: write it as `env`, or into a file of each environment for `env_file`")),
    ("env_file", To("`env_file`")),
    ("instances", To("`instances`; `\"max\"`, 0 and less are `\"cpus\"`")),
    (
        "exec_mode",
        Kept(
            "each instance is a process of its own: it shares a port by `listen`, by `SO_REUSEPORT`, or has its own by `${INSTANCE}`",
        ),
    ),
    ("instance_var", To("a variable of `env`, which counts from 1 here")),
    ("increment_var", Kept("write the variable with `${INSTANCE}` in `env`")),
    ("autorestart", To("`restart`: `\"always\"` or `\"never\"`")),
    ("stop_exit_codes", To("`restart = \"on-failure\"` for 0; other statuses are kept as a comment")),
    ("max_restarts", To("`limit`, in a window that is as long as these restarts take")),
    ("min_uptime", To("`backoff = { stable_after = \"…\" }`")),
    ("restart_delay", To("`backoff = { first = \"…\", factor = 1 }`")),
    ("exp_backoff_restart_delay", To("`backoff = { first = \"…\", factor = 1.5, cap = \"15s\" }`")),
    ("kill_timeout", To("`stop = { signal = \"INT\", timeout = \"…\" }`, 1.6 s if it is not said")),
    (
        "wait_ready",
        Kept(
            "write `ready = \"notify\"` if the program sends `READY=1` to `NOTIFY_SOCKET`, as to systemd, or `ready = { tcp = \"…\" }`; `process.send` is not there",
        ),
    ),
    ("listen_timeout", To("`ready_timeout`")),
    ("shutdown_with_message", Kept("a stop sends a signal: write `stop`")),
    ("treekill", Kept("always so: a stop ends the whole group")),
    ("out_file", To("`stdout`, `stderr`: a file, which is not rotated, as with pm2; `/dev/null` is `\"null\"`")),
    ("output", To("`stdout`, `stderr`: a file, which is not rotated, as with pm2; `/dev/null` is `\"null\"`")),
    ("error_file", To("`stdout`, `stderr`: a file, which is not rotated, as with pm2; `/dev/null` is `\"null\"`")),
    ("error", To("`stdout`, `stderr`: a file, which is not rotated, as with pm2; `/dev/null` is `\"null\"`")),
    ("log_file", To("`stdout`, if there is no `out_file`")),
    ("log", To("`stdout`, if there is no `out_file`")),
    ("log_date_format", To("`timestamps = true` of a log file, always as RFC 3339")),
    ("time", To("`timestamps = true` of a log file, always as RFC 3339")),
    ("disable_logs", To("`stdout = \"null\"`, `stderr = \"null\"`")),
    ("merge_logs", Kept(LOGS)),
    ("combine_logs", Kept(LOGS)),
    ("log_type", Kept("lines are kept as the program writes them")),
    ("cron_restart", To("`schedule = { cron = \"…\", action = \"restart\" }`")),
    ("cron", To("`schedule = { cron = \"…\", action = \"restart\" }`")),
    ("max_memory_restart", To("`memory_max`")),
    ("uid", To("`user`")),
    ("user", To("`user`")),
    ("gid", To("`group`")),
    ("watch", Kept(NO_WATCH)),
    ("ignore_watch", Kept(NO_WATCH)),
    ("watch_delay", Kept(NO_WATCH)),
    ("watch_options", Kept(NO_WATCH)),
    ("filter_env", Kept("write `clear_env = true` and the variables that are needed into `env`")),
    ("append_env_to_name", Kept("the header is the name")),
    ("source_map_support", Kept(NODE)),
    ("disable_source_map_support", Kept(NODE)),
    ("force", Kept("two bots may run one script: each has a name of its own")),
    ("pid_file", Kept("the monitor knows its processes without files: `daemonctl status --json`")),
    ("vizion", Kept(MODULE)),
    ("pmx", Kept(MODULE)),
    ("automation", Kept(MODULE)),
    ("trace", Kept(MODULE)),
    ("post_update", Kept("the monitor does not fetch programs")),
];

/// The other keys of a file.
pub(in super::super) const OF_FILES: KnownKeys = &[
    ("apps", To("a `[bot.NAME]` for each")),
    (
        "deploy",
        Kept("the monitor does not fetch programs: deploy with another tool, which sends `daemonctl restart NAME`"),
    ),
    ("module_conf", Kept(MODULE)),
];
