//! Keys and files of other supervisors, and what is written here instead.

use super::value::Hints;

const STOP: &str = "write `stop = { signal = \"TERM\", timeout = \"10s\" }`";
const NO_LIMITS: &str = "there is none: start the program through `prlimit`, or set the limit where the monitor is started (`LimitNOFILE=`)";
const NO_SHELL: &str = "there is no shell: write `command` and `args`";

/// Hints for unknown keys of `[bot.NAME]`.
pub(super) const OF_A_BOT: Hints = &[
    ("arguments", "write `args = [\"-v\"]`"),
    ("autorestart", "write `restart = \"always\"`, `\"on-failure\"` or `\"never\"`"),
    ("cron", "there is no timetable: let cron send `daemonctl start`"),
    ("directory", "write `cwd`"),
    ("environment", "write `env = { NAME = \"value\" }`"),
    ("exec", "write `command = \"/path/of/the/program\"`"),
    ("exitcodes", "write `restart = \"on-failure\"`: every status but 0 is a failure"),
    ("groups", "a bot has the groups of its `user`: write `user`, and `group` for its first group"),
    ("killasgroup", "nothing has to be written: a stop ends the whole group"),
    ("limits", NO_LIMITS),
    ("name", "the name is in the header: write `[bot.NAME]`"),
    ("numprocs", "write `instances`"),
    ("priority", "write `depends_on`, which waits"),
    ("process_name", "write `instances`: they are called `NAME:1`, `NAME:2` …"),
    ("redirect_stderr", "stderr goes where stdout goes unless `stderr` says otherwise"),
    ("rlimit", NO_LIMITS),
    ("rlimits", NO_LIMITS),
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
    ("ulimit", NO_LIMITS),
    ("working_directory", "write `cwd`"),
    ("workdir", "write `cwd`"),
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

/// Returns where the first header of a file of supervisord is, in bytes; `None` if the text is not such a file. Its first
/// line that says something must be such a header, so that a text of many lines in a TOML file is never taken for one.
pub(super) fn supervisord(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let header = line.trim();
        if !header.is_empty() && !header.starts_with([';', '#']) {
            let header = header.to_ascii_lowercase();
            let is_theirs = SUPERVISORD.iter().any(|theirs| header.starts_with(theirs));
            return is_theirs.then_some(at + line.len() - line.trim_start().len());
        }
        at += line.len();
    }
    None
}
