//! The environment of a bot: which variables it inherits, and which the monitor sets.

use crate::bot::Bot;
use crate::sys::account::{self, Account};
use crate::sys::spawn::{FIRST_SOCKET, STREAMS};
use daemonize_core::Pid;
use nix::sys::stat::fstat;
use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

/// Names the bot to itself and its descendants.
pub(crate) const BOT_VARIABLE: &str = "DAEMON_BOT";
/// Names the monitor that a process belongs to, by a secret: the next monitor with its pidfile ends those that know it.
pub(crate) const MONITOR_VARIABLE: &str = "DAEMON_MONITOR_ID";
/// Proves to the monitor that a process belongs to the bot.
pub(crate) const SECRET_VARIABLE: &str = "DAEMON_BOT_SECRET";
/// The monitor's pid, by which a daemon of this library recognizes that it is supervised.
const PID_VARIABLE: &str = "DAEMON_MONITOR";
/// Names the descriptor to which events are reported, one name per line.
const EVENTS_VARIABLE: &str = "DAEMON_EVENTS";
/// Device and inode of the events pipe, so that no other file descriptor of that number is mistaken for it.
const PIPE_VARIABLE: &str = "DAEMON_EVENTS_PIPE";
/// How long the bot has to end after a stop signal, in seconds: see [`Bot::time_to_end`].
pub(super) const STOP_TIMEOUT_VARIABLE: &str = "DAEMON_STOP_TIMEOUT";
/// The socket to which the bot sends `READY=1`, see `sd_notify(3)`.
const NOTIFY_VARIABLE: &str = "NOTIFY_SOCKET";
/// Variables that a service manager sets for the monitor; bots do not inherit them.
const NOT_FOR_BOTS: [&str; 8] = [
    NOTIFY_VARIABLE,
    "CREDENTIALS_DIRECTORY",
    "FDSTORE",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MAINPID",
    "MANAGERPID",
    "SYSTEMD_EXEC_PID",
];
/// The prefixes of further variables that are meant for the monitor alone.
const KINDS_NOT_FOR_BOTS: [&[u8]; 5] = [b"DAEMON_", b"DAEMONIC_", b"LISTEN_", b"MEMORY_PRESSURE_", b"WATCHDOG_"];

/// The place of the events' pipe among the streams of the bot; its number is the first after those of the sockets.
pub(super) const EVENTS: usize = STREAMS - 1;

/// The number of the listening sockets that the bot is passed, from descriptor 3 on (`sd_listen_fds(3)`).
const SOCKETS_VARIABLE: &str = "LISTEN_FDS";
/// The name of each of them: that of the bot.
const SOCKET_NAMES_VARIABLE: &str = "LISTEN_FDNAMES";

/// Returns the variables of this process that bots inherit.
pub(super) fn inherited() -> BTreeMap<OsString, OsString> {
    let mut variables: BTreeMap<OsString, OsString> = env::vars_os().collect();
    variables.retain(|name, _| !is_for_the_monitor(name));
    variables
}

/// Returns the environment of a bot: the inherited one, unless that is cleared, with the variables of its user, of its
/// specification, and of the monitor.
pub(super) fn of_bot(
    inherited: &BTreeMap<OsString, OsString>,
    bot: &Bot,
    user: Option<&Account>,
    notify: Option<&str>,
    events: Option<BorrowedFd<'_>>,
) -> BTreeMap<OsString, OsString> {
    let mut environment = if bot.clear_environment { BTreeMap::new() } else { inherited.clone() };
    if let Some(user) = user.filter(|_| !bot.clear_environment) {
        // `HOME` and the like of the monitor's user are removed even if the bot's user has no passwd entry.
        for (name, value) in account::variables(user.entry.as_ref()) {
            match value {
                Some(value) => environment.insert(name.into(), value.into()),
                None => environment.remove(OsStr::new(name)),
            };
        }
    }
    environment.extend(bot.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
    let monitor = inherited.get_key_value(OsStr::new(MONITOR_VARIABLE));
    environment.extend(monitor.map(|(name, value)| (name.clone(), value.clone())));
    environment.insert(BOT_VARIABLE.into(), bot.name.clone().into());
    environment.insert(PID_VARIABLE.into(), Pid::this().to_string().into());
    if let Some(events) = events {
        let number = FIRST_SOCKET.unsigned_abs() as usize + bot.listen.len();
        environment.insert(EVENTS_VARIABLE.into(), number.to_string().into());
        if let Ok(pipe) = fstat(events) {
            environment.insert(PIPE_VARIABLE.into(), format!("{}:{}", pipe.st_dev, pipe.st_ino).into());
        }
    }
    if let Some(notify) = notify {
        environment.insert(NOTIFY_VARIABLE.into(), notify.into());
    }
    environment
}

/// Returns the variables that tell a bot of the sockets that it is passed. The child adds `LISTEN_PID`, which it alone knows.
pub(super) fn of_sockets(bot: &Bot, count: usize) -> Vec<(&'static str, String)> {
    if count == 0 {
        return Vec::new();
    }
    let names = vec![bot.family(); count].join(":");
    vec![(SOCKETS_VARIABLE, count.to_string()), (SOCKET_NAMES_VARIABLE, names)]
}

/// Returns `true` if a variable is meant for the monitor alone.
fn is_for_the_monitor(name: &OsStr) -> bool {
    NOT_FOR_BOTS.iter().any(|other| name == *other)
        || KINDS_NOT_FOR_BOTS.iter().any(|kind| name.as_bytes().starts_with(kind))
}
