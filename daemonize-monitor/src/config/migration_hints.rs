//! Hints for users of other supervisors: unknown keys of supervisord, pm2 and systemd, and whole files of theirs.

use super::value::Hints;

const STOP: &str = "write `stop = { signal = \"TERM\", timeout = \"10s\" }`";
const LIMITS: &str = "write `rlimits = { nofile = 4096 }`";
const NO_SHELL: &str = "there is no shell: write `command` and `args`";

const IS_SUPERVISORD: &str = "this is a supervisord.conf: `daemonctl import` translates it";
const IS_CIRCUS: &str = "this is a circus.ini: `daemonctl import` translates it";
const IS_PM2: &str = "this is a file of pm2: `daemonctl import` translates it";
const IS_PROCFILE: &str = "this is a Procfile: `daemonctl import` translates it";

/// Hints for unknown keys of `[bot.NAME]`.
pub(super) const OF_A_BOT: Hints = &[
    ("arguments", "write `args = [\"-v\"]`"),
    ("autorestart", "write `restart = \"always\"`, `\"on-failure\"` or `\"never\"`"),
    ("cron", "write `schedule = \"*/5 * * * *\"`"),
    ("cron_restart", "write `schedule = { cron = \"0 3 * * *\", action = \"restart\" }`"),
    ("directory", "write `cwd`"),
    ("environment", "write `env = { NAME = \"value\" }`"),
    ("error_file", "write `stderr = { file = \"PATH\" }`"),
    ("exec", "write `command = \"/path/of/the/program\"`"),
    ("exec_mode", "every instance is a process of its own: write `instances`"),
    ("exitcodes", "write `restart = \"on-failure\"`: every status but 0 is a failure"),
    ("groups", "a bot has the groups of its `user`: write `user`, and `group` for its first group"),
    ("interpreter", "write it as `command`, and the script first in `args`"),
    ("kill_timeout", STOP),
    ("killasgroup", "nothing has to be written: a stop ends the whole group"),
    ("limits", LIMITS),
    ("listen_timeout", "write `ready_timeout`"),
    ("log_file", "write `stdout = { file = \"PATH\" }`"),
    ("max_memory_restart", "write `memory_max = \"512MB\"`"),
    ("max_restarts", "write `limit = { exits = 5, window = \"1h\" }`"),
    ("min_uptime", "write `backoff = { stable_after = \"60s\" }`"),
    ("name", "the name is in the header: write `[bot.NAME]`"),
    ("numprocs", "write `instances`"),
    ("out_file", "write `stdout = { file = \"PATH\" }`"),
    ("priority", "write `depends_on`, which waits"),
    ("process_name", "write `instances`: they are called `NAME:1`, `NAME:2` …"),
    ("redirect_stderr", "stderr goes where stdout goes unless `stderr` says otherwise"),
    ("restart_delay", "write `backoff = { first = \"1s\" }`"),
    ("rlimit", LIMITS),
    ("script", "write `command = \"/path/of/the/program\"`"),
    ("shell", NO_SHELL),
    ("startretries", "write `limit = { exits = 5, window = \"1h\" }`"),
    ("startsecs", "write `ready = { after = \"1s\" }`"),
    ("stderr_logfile", "write `stderr = { file = \"PATH\" }`"),
    ("stdout_logfile", "write `stdout = { file = \"PATH\" }`"),
    ("stdout_logfile_backups", "write `stdout = { file = \"PATH\", keep = 5 }`"),
    ("stdout_logfile_maxbytes", "write `stdout = { file = \"PATH\", max_size = \"10MB\" }`"),
    ("stop_signal", STOP),
    ("stop_timeout", STOP),
    ("stopasgroup", "nothing has to be written: a stop ends the whole group"),
    ("stopsignal", STOP),
    ("stopwaitsecs", STOP),
    ("ulimit", LIMITS),
    ("wait_ready", "write `ready = \"notify\"`, or `ready = { tcp = \"127.0.0.1:80\" }`"),
    ("watch", "files are not watched: let what changes them send `daemonctl restart`"),
    ("workdir", "write `cwd`"),
    ("working_directory", "write `cwd`"),
];

/// Hints for unknown keys of `[monitor]`.
pub(super) const OF_THE_MONITOR: Hints = &[
    ("logfile", "write `log = { file = \"PATH\" }`"),
    ("loglevel", "write `log_level`"),
    ("nodaemon", "write nothing: `daemonctl run` stays in the foreground, `daemonctl start` does not"),
    ("port", "write `control = { tcp = \"127.0.0.1:PORT\" }`"),
    ("umask", "write `umask` in `[bot.NAME]`"),
    ("user", "write `user` in `[bot.NAME]`"),
];

/// The headers with which a file of supervisord may begin, up to a name or the closing bracket.
const SUPERVISORD: &[&str] = &[
    "[supervisord]",
    "[supervisorctl]",
    "[unix_http_server]",
    "[inet_http_server]",
    "[include]",
    "[program:",
    "[fcgi-program:",
    "[eventlistener:",
    "[group:",
    "[rpcinterface:",
];

/// The headers with which a file of circus may begin.
const CIRCUS: &[&str] = &["[circus]", "[watcher:", "[socket:", "[plugin:"];

/// The beginnings of pm2's files in JavaScript or YAML.
const PM2: &[&str] = &["module.exports", "export default", "apps:"];

/// Returns where a file of another supervisor begins, in bytes, and what to do with it; `None` if the text is not such a file.
/// Its first line that says something decides, so that a text of many lines in a TOML file is never taken for one.
pub(super) fn foreign(text: &str) -> Option<(usize, &'static str)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let first = line.trim();
        if !first.is_empty() && !first.starts_with([';', '#']) && !first.starts_with("//") {
            let first = first.to_ascii_lowercase();
            let begins_as = |theirs: &[&str]| theirs.iter().any(|theirs| first.starts_with(theirs));
            let is_json = first.starts_with('{') && (text.contains("\"apps\"") || text.contains("\"script\""));
            let instead = if begins_as(SUPERVISORD) {
                IS_SUPERVISORD
            } else if begins_as(CIRCUS) {
                IS_CIRCUS
            } else if begins_as(PM2) || is_json {
                IS_PM2
            } else if is_process(&first) {
                IS_PROCFILE
            } else {
                return None;
            };
            return Some((at + line.len() - line.trim_start().len(), instead));
        }
        at += line.len();
    }
    None
}

/// Returns `true` for a line of a Procfile, `NAME: COMMAND`, which no line of TOML is.
fn is_process(line: &str) -> bool {
    let plain =
        |name: &str| !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "-_".contains(letter));
    line.split_once(": ").is_some_and(|(name, command)| plain(name) && !command.trim().is_empty())
}
