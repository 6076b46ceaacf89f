//! Errors for keys that an attribute does not have, and the key that was probably meant.

use crate::keys::{self, Key};
use crate::kind::Kind;
use crate::suggest;

/// Names from other libraries and from systemd, the key to use instead, and how it differs.
pub(crate) const SYNONYMS: &[(&str, &str, &str)] = &[
    ("cwd workdir work_dir working_dir chdir dir directory", "working_directory", "the default is `/`"),
    ("timeout", "start_timeout", "it limits a start, `stop_timeout` a stop, `grace` the shutdown after a stop signal"),
    ("foreground daemonize background", "detach", "`detach = never` stays in the foreground, as `foreground()` does"),
    ("user_id uid username setuid chown_pid_file", "user", "it takes a name or a number, and owns the pidfile too"),
    ("group_id gid groupname setgid", "group", "it takes a name or a number"),
    ("pid_file pid pid_path lockfile lock_file", "pidfile", "it is one word"),
    ("logfile log_file logger logging output", "log", "it takes a path for both stdout and stderr"),
    ("interval period pace", "every", "it counts from the start of one step to the start of the next"),
    ("source queue fetch receive", "from", "it takes a function that returns the next message"),
    ("threads workers concurrency pool", "pool_size", "it is the number of messages that are handled concurrently"),
    ("threads workers", "worker_threads", "it belongs to an `async fn`"),
    ("retries max_attempts tries", "retry", "write `retry = { attempts = 5 }`"),
    ("retries max_attempts tries", "attempts", "the first attempt counts"),
    ("handlers on_signal sigterm sighup", "signals", "write `signals = { SIGHUP => reload }`"),
    ("root jail", "chroot", "it needs a `user`"),
    ("fds keep_fds descriptors", "inherit", "it lists the file descriptors that stay open"),
    ("notify on_ready", "ready", "write `ready = manual`, and call `daemon::ready()` in the body"),
    ("command_line clap subcommands verbs", "cli", "it is for `main`, whose parameter is the parsed arguments"),
    ("run start help auto verb", "default", "write `cli(default = run)`"),
    ("systemd unit", "service", "write `service(hardening = strict)`"),
    ("sandbox sandboxing security", "hardening", "it is `off`, `standard` or `strict`"),
    ("watchdog_sec", "watchdog", "it takes a duration, such as `watchdog = \"30s\"`"),
    ("sockets listen listen_stream port", "socket", "it takes an address, such as `socket = \"80\"`, or a list"),
    ("env_file env", "environment_file", "it takes a path"),
    ("env environ variables pass_environment", "environment", "it is `clean`, `inherit` or a list of names"),
    (
        "idle idle_timeout idle_exit exit_when_idle",
        "on_demand",
        "write `on_demand = \"10m\"`, the time after which it exits",
    ),
    ("exec reexec spawn", "launch", "write `launch = exec`"),
    ("mismatch on_other_build version_mismatch", "on_mismatch", "write `on_mismatch = restart_now`"),
    ("protocol_version version", "protocol", "it is a number; the version is that of the package"),
    ("slice cgroup", "scope", "it is written alone"),
    ("file logfile log_file", "path", "it takes the path of the log"),
    ("size max_bytes limit rotate rotation", "max_size", "it takes a size, such as `max_size = \"10MiB\"`"),
    ("backups files history max_files", "keep", "it is the number of old files"),
    ("timestamp time times date", "timestamps", "it is written alone"),
    ("parent die_with_parent pdeathsig bind_to_parent", "ends_with", "write `ends_with = parent`"),
    ("before after privileged_action exit_action", "hooks", "write `hooks = { after(PidFile) => prepare }`"),
];

/// Returns the error message for a key that the attribute does not have.
pub(crate) fn message(kind: Kind, name: &str) -> String {
    if let Some(key) = keys::KEYS.iter().find(|key| key.name == name) {
        return format!("`{name}` does not belong to `{kind}`, but to {}: it {}", owners(key), key.purpose());
    }
    let names: Vec<&str> = keys::of(kind).map(|key| key.name).collect();
    let is_meant =
        |(words, key, _): &&(&str, &str, &str)| words.split(' ').any(|word| word == name) && names.contains(key);
    match SYNONYMS.iter().find(is_meant) {
        Some((_, key, difference)) => format!("unknown key `{name}`, use `{key}`: {difference}"),
        None => format!("unknown key `{name}`{}", suggest::hint(name, &names)),
    }
}

/// Returns the attributes that have the key, as a phrase.
fn owners(key: &Key) -> String {
    let kinds: Vec<String> = key.kinds.iter().map(|kind| format!("`{kind}`")).collect();
    suggest::alternatives(&kinds)
}
