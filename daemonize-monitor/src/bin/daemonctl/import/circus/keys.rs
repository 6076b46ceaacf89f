//! The keys of circus and their translation, which are also the tables of the documentation.

use super::super::keys::KnownKeys;
use super::super::keys::Translation::{Kept, To};

const NO_PYTHON: &str =
    "no Python is run in the monitor: `on_exit`, `on_gave_up`, `on_unhealthy`, `ready` and `check` are commands";
const ENDPOINT: &str = "the monitor always has a socket, for its owner and root";
const FOR_ALL: &str = "every process gets its own streams";

/// The keys of `[watcher:x]`.
pub(in super::super) const OF_WATCHERS: KnownKeys = &[
    (
        "cmd",
        To("`command`, `args`; `$(circus.wid)` is `${INSTANCE}`, `$(circus.sockets.x)` the number of the descriptor"),
    ),
    (
        "args",
        To("`command`, `args`; `$(circus.wid)` is `${INSTANCE}`, `$(circus.sockets.x)` the number of the descriptor"),
    ),
    ("shell", To("`command = \"/bin/sh\"`, `args = [\"-c\", \"…\"]`")),
    ("numprocesses", To("`instances`")),
    ("singleton", To("`instances`")),
    ("working_dir", To("`cwd`")),
    ("uid", To("`user`")),
    ("gid", To("`group`")),
    ("copy_env", To("`clear_env = true` unless it is true, with `PATH` for a bare program")),
    ("env", To("`env`, as `[env:x]`")),
    ("autostart", To("`autostart`")),
    ("respawn", To("`restart`: `\"always\"` or `\"never\"`")),
    ("max_retry", To("`limit`; -1 is the largest")),
    ("max_age", To("`schedule = { every = \"…\", action = \"restart\" }`")),
    ("stop_signal", To("`stop`, with the 30 s of circus if no `graceful_timeout` is said")),
    ("graceful_timeout", To("`stop`, with the 30 s of circus if no `graceful_timeout` is said")),
    ("rlimit_*", To("`rlimits`")),
    ("stdout_stream.class", To("`stdout`, `stderr`: a file, `\"inherit\"` for `StdoutStream`, else `\"memory\"`")),
    ("stderr_stream.class", To("`stdout`, `stderr`: a file, `\"inherit\"` for `StdoutStream`, else `\"memory\"`")),
    ("stdout_stream.filename", To("`file`")),
    ("stderr_stream.filename", To("`file`")),
    ("stdout_stream.max_bytes", To("`max_size`; `\"0B\"` if it is not said")),
    ("stderr_stream.max_bytes", To("`max_size`; `\"0B\"` if it is not said")),
    ("stdout_stream.backup_count", To("`keep`")),
    ("stderr_stream.backup_count", To("`keep`")),
    ("stdout_stream.time_format", To("`timestamps = true`, always as RFC 3339")),
    ("stderr_stream.time_format", To("`timestamps = true`, always as RFC 3339")),
    ("stdout_stream.*", Kept("a log file has `max_size`, `keep` and `timestamps`")),
    ("stderr_stream.*", Kept("a log file has `max_size`, `keep` and `timestamps`")),
    ("use_sockets", To("`listen`, with the sockets that the command names, or all")),
    ("close_child_stdin", Kept(FOR_ALL)),
    ("close_child_stdout", Kept(FOR_ALL)),
    ("close_child_stderr", Kept(FOR_ALL)),
    ("stop_children", Kept("always so: a stop ends the whole group")),
    ("priority", Kept("no number orders starts: write `depends_on`, which waits until the others are ready")),
    (
        "warmup_delay",
        Kept("no start waits for a time: `depends_on` waits until others are ready, `--parallel` restarts in turn"),
    ),
    ("send_hup", Kept("write `daemonctl signal HUP NAME`, or `stop = { signal = \"HUP\" }`")),
    ("on_demand", Kept("a bot with `listen` starts with the monitor, and its clients wait until it accepts them")),
    ("max_age_variance", Kept("a `schedule` restarts at its time; instances restart in turn")),
    ("copy_path", Kept("Python's path is not the monitor's: write `env = { PYTHONPATH = \"…\" }`")),
    ("virtualenv", Kept("write the program of the environment as `command`, or its `bin` first in `PATH`")),
    ("virtualenv_py_ver", Kept("write the program of the environment as `command`, or its `bin` first in `PATH`")),
    ("shell_args", Kept("the shell gets `-c` and the command")),
    ("executable", Kept("write it as `command`")),
    ("stream_backend", Kept("there is one")),
    ("check_flapping", Kept("`limit` counts exits, always")),
    ("hooks.before_start", Kept(NO_PYTHON)),
    ("hooks.after_stop", Kept(NO_PYTHON)),
    ("hooks.*", Kept(NO_PYTHON)),
    ("use_papa", Kept("a rolling restart keeps the sockets of `listen` open")),
];

/// The keys of `[circus]`.
pub(in super::super) const OF_CIRCUS: KnownKeys = &[
    (
        "httpd",
        To("`control = { tcp = \"…\" }` in `[monitor]`, on this machine only; `httpd_port` is 8080 if it is not said"),
    ),
    (
        "httpd_host",
        To("`control = { tcp = \"…\" }` in `[monitor]`, on this machine only; `httpd_port` is 8080 if it is not said"),
    ),
    (
        "httpd_port",
        To("`control = { tcp = \"…\" }` in `[monitor]`, on this machine only; `httpd_port` is 8080 if it is not said"),
    ),
    ("loglevel", To("`log_level`")),
    ("logoutput", To("`log`")),
    ("pidfile", To("`pidfile`; kept as a comment below `/tmp`, where others could write it")),
    ("proc_name", To("`name`")),
    ("umask", To("`umask` in `[defaults]`")),
    (
        "include",
        To(
            "files below the directory of the source are read; others are kept as a comment, to be imported on their own",
        ),
    ),
    (
        "include_dir",
        To(
            "files below the directory of the source are read; others are kept as a comment, to be imported on their own",
        ),
    ),
    ("endpoint", Kept(ENDPOINT)),
    ("pubsub_endpoint", Kept(ENDPOINT)),
    ("stats_endpoint", Kept(ENDPOINT)),
    ("multicast_endpoint", Kept(ENDPOINT)),
    ("endpoint_owner", Kept(ENDPOINT)),
    ("papa_endpoint", Kept(ENDPOINT)),
    ("statsd", Kept("`GET /metrics` has the figures")),
    ("check_delay", Kept("no bot is polled: an exit is seen at once")),
    (
        "warmup_delay",
        Kept("no start waits for a time: `depends_on` waits until others are ready, `--parallel` restarts in turn"),
    ),
    ("stream_backend", Kept("there is one")),
    ("debug", Kept("write `log_level = \"debug\"`")),
    ("debug_gc", Kept("there is no garbage to collect")),
    ("ssh_server", Kept("use a tunnel to the monitor's socket")),
    ("loggerconfig", Kept("write `log`, `log_level` and `log_format`")),
    ("fail_on_duplicate", Kept("two bots of one name are always an error")),
];

/// The keys of `[socket:x]`.
pub(in super::super) const OF_SOCKETS: KnownKeys = &[
    ("host", To("`listen`, in each watcher that uses the socket")),
    ("port", To("`listen`, in each watcher that uses the socket")),
    ("path", To("`listen`, in each watcher that uses the socket")),
    ("family", Kept("the address says it")),
    ("type", Kept("sockets are streams")),
    ("backlog", Kept("the socket has the longest backlog that the system allows")),
    ("so_reuseport", Kept("all instances share one socket, so that no connection is lost")),
    ("interface", Kept("write its address")),
    ("umask", Kept("the bot gets the open socket, whatever its user")),
    ("replace", Kept("a socket that no process listens on is always replaced")),
    ("use_papa", Kept("a rolling restart keeps the sockets of `listen` open")),
    ("blocking", Kept("sockets block, as from systemd")),
];

/// Other sections.
pub(in super::super) const OF_SECTIONS: KnownKeys = &[
    ("[env]", To("`env` in `[defaults]`")),
    ("[env:*", To("`env`; names in capitals, as circus makes them; `*` and lists mean several watchers")),
    (
        "[plugin:*",
        Kept(
            "there are no plugins: `limit` stops a bot that flaps, `memory_max` one that grows, `GET /metrics` has figures",
        ),
    ),
    ("[node:*", Kept("a monitor has the bots of one machine")),
];
