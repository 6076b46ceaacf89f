//! The keys of supervisord and their translation, which are also the tables of the documentation.

use super::super::keys::KnownKeys;
use super::super::keys::Translation::{Kept, To};

const NO_EVENTS: &str =
    "no process receives events of others: a bot reports its own by name, `on_exit` and `webhook` report its ends";
const OF_CONTROL: &str = "the monitor always has a socket, for its owner and root";
const OF_SUPERVISORCTL: &str = "`daemonctl` finds its monitor by the configuration";

/// The keys of `[program:x]`, `[fcgi-program:x]` and `[eventlistener:x]`.
pub(in super::super) const OF_PROGRAMS: KnownKeys = &[
    ("command", To("`command`, `args`; relative programs begin in `directory`")),
    ("process_name", To("the name of the bot, or of each of several")),
    (
        "numprocs",
        To(
            "`instances`, called `x:1`, `x:2` …; one bot for each number, in a `bot_group`, where `%(process_num)d` counts otherwise",
        ),
    ),
    ("numprocs_start", To("the first number of these bots")),
    ("directory", To("`cwd`")),
    ("user", To("`user`")),
    ("umask", To("`umask`")),
    ("environment", To("`env`")),
    ("priority", Kept("no number orders starts: write `depends_on`, which waits until the others are ready")),
    ("autostart", To("`autostart`")),
    (
        "autorestart",
        To("`restart`: `\"always\"`, `\"never\"`, or `\"on-failure\"` for `unexpected`, the default there"),
    ),
    (
        "exitcodes",
        To(
            "`restart = \"on-failure\"` with 0 among them, else `\"always\"`; other statuses are failures, and kept as a comment",
        ),
    ),
    ("startsecs", To("`ready = { after = \"…\" }`, or `\"at-once\"` for 0")),
    ("startretries", To("`limit`, in a window that is as long as these starts take")),
    ("stopsignal", To("`stop = { signal = \"…\" }`")),
    ("stopwaitsecs", To("`stop = { timeout = \"…\" }`")),
    ("stopasgroup", Kept("always so: a stop ends the whole group")),
    ("killasgroup", Kept("always so: a stop ends the whole group")),
    ("redirect_stderr", To("`stderr`: `\"stdout\"` if true, else `\"memory\"` or a file")),
    (
        "stdout_logfile",
        To("`stdout`, `stderr`: a file; `NONE` is `\"null\"`, `AUTO` `\"memory\"`, `/dev/stdout` `\"inherit\"`"),
    ),
    (
        "stderr_logfile",
        To("`stdout`, `stderr`: a file; `NONE` is `\"null\"`, `AUTO` `\"memory\"`, `/dev/stdout` `\"inherit\"`"),
    ),
    ("stdout_logfile_maxbytes", To("`max_size`, 50 MiB if it is not said")),
    ("stderr_logfile_maxbytes", To("`max_size`, 50 MiB if it is not said")),
    ("stdout_logfile_backups", To("`keep`, 10 if it is not said")),
    ("stderr_logfile_backups", To("`keep`, 10 if it is not said")),
    ("stdout_capture_maxbytes", Kept(NO_EVENTS)),
    ("stderr_capture_maxbytes", Kept(NO_EVENTS)),
    ("stdout_events_enabled", Kept(NO_EVENTS)),
    ("stderr_events_enabled", Kept(NO_EVENTS)),
    ("stdout_syslog", Kept("output goes to files, memory or the monitor's own: give the bot a log file")),
    ("stderr_syslog", Kept("output goes to files, memory or the monitor's own: give the bot a log file")),
    ("serverurl", Kept("a bot finds its monitor by itself")),
    ("socket", To("`listen`, and a shell that makes the socket the standard input, as FastCGI wants it")),
    ("socket_owner", Kept("the bot gets the open socket, whatever its user")),
    ("socket_mode", Kept("the bot gets the open socket, whatever its user")),
    ("socket_backlog", Kept("the socket has the longest backlog that the system allows")),
    ("events", Kept(NO_EVENTS)),
    ("buffer_size", Kept(NO_EVENTS)),
    ("result_handler", Kept(NO_EVENTS)),
];

/// The keys of `[supervisord]`.
pub(in super::super) const OF_SUPERVISORD: KnownKeys = &[
    ("logfile", To("`log` in `[monitor]`; the path is kept as a comment below `/tmp`, where others could write it")),
    ("logfile_maxbytes", To("`max_size`")),
    ("logfile_backups", To("`keep`")),
    ("loglevel", To("`log_level`")),
    ("pidfile", To("`pidfile`; kept as a comment below `/tmp`, where others could write it")),
    ("identifier", To("`name`")),
    ("environment", To("`env` in `[defaults]`")),
    ("umask", To("`umask` in `[defaults]`")),
    ("directory", To("`cwd` in `[defaults]`")),
    ("user", Kept("start the monitor as this user, or write `user` in `[defaults]`")),
    ("nodaemon", Kept("`daemonctl run` stays in the foreground, `daemonctl start` does not")),
    ("silent", Kept("the log says where messages go")),
    ("minfds", Kept("the monitor takes the descriptors it may have; `rlimits` are for bots")),
    ("minprocs", Kept("the limit of the monitor's user counts; `rlimits` are for bots")),
    ("nocleanup", Kept("output without a file is kept in memory")),
    ("childlogdir", Kept("output without a file is kept in memory")),
    ("strip_ansi", Kept("escape sequences are kept in logs, and escaped where they are shown")),
];

/// The keys of the other sections: of the section, and of its keys.
pub(in super::super) const OF_SECTIONS: KnownKeys = &[
    ("[unix_http_server]", Kept(OF_CONTROL)),
    ("[supervisorctl]", Kept(OF_SUPERVISORCTL)),
    ("[rpcinterface:*", Kept("there are no plugins")),
    ("[ctlplugin:*", Kept("there are no plugins")),
    ("[eventlistener:*", Kept(NO_EVENTS)),
    ("[group:*", To("`bot_group` in each of its `programs`")),
    (
        "[include]",
        To(
            "files below the directory of the source are read; others are kept as a comment, to be imported on their own",
        ),
    ),
    ("[inet_http_server]", To("`control = { tcp = \"…\" }` in `[monitor]`, on this machine only")),
];

/// The keys of `[inet_http_server]`.
pub(in super::super) const OF_INET: KnownKeys = &[
    ("port", To("`control = { tcp = \"…\" }`")),
    ("username", Kept("clients over TCP have a token, in a file that the monitor makes")),
    ("password", Kept("clients over TCP have a token, in a file that the monitor makes")),
];
