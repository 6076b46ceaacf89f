//! From what a bot is to be to a process that is it.

use crate::bot::Bot;
use crate::error::cause;
use crate::secret::Secret;
use crate::sys::account::{self, Account};
use crate::sys::spawn::{self, FdTable, PendingChild, STREAMS};
use daemonize_core::{Pid, Signal};
use daemonize_sys::escape::escape_bytes;
use nix::errno::Errno;
use nix::sys::resource::rlim_t;
use nix::sys::stat::fstat;
use nix::unistd::{Gid, Uid, getegid, geteuid};
use std::collections::BTreeMap;
use std::env;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::Duration;

/// Names the bot to itself and its descendants.
pub(crate) const BOT_VARIABLE: &str = "DAEMON_BOT";
/// Names the monitor that a process belongs to, by a secret: the next monitor with its pidfile ends those that know it.
pub(crate) const MONITOR_VARIABLE: &str = "DAEMON_MONITOR_ID";
/// Proves to the monitor that a process belongs to the bot.
pub(crate) const SECRET_VARIABLE: &str = "DAEMON_BOT_SECRET";
/// The monitor's pid, by which a daemon of this library knows that somebody looks after it.
const PID_VARIABLE: &str = "DAEMON_MONITOR";
/// Names the descriptor to which events are reported, one name per line.
const EVENTS_VARIABLE: &str = "DAEMON_EVENTS";
/// Device and inode of that pipe, so that nobody takes another descriptor of that number for it.
const PIPE_VARIABLE: &str = "DAEMON_EVENTS_PIPE";
/// How long the bot has to end after a stop signal, in seconds: see [`Bot::time_to_end`].
const STOP_TIMEOUT_VARIABLE: &str = "DAEMON_STOP_TIMEOUT";
/// Where readiness is said, see `sd_notify(3)`.
const NOTIFY_VARIABLE: &str = "NOTIFY_SOCKET";
/// Whatever these say is said to the monitor by whoever started it, not to its bots.
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
/// The same of all that begin so.
const KINDS_NOT_FOR_BOTS: [&[u8]; 5] = [b"DAEMON_", b"DAEMONIC_", b"LISTEN_", b"MEMORY_PRESSURE_", b"WATCHDOG_"];

/// The number of the events' pipe in the bot.
const EVENTS: usize = STREAMS - 1;

/// Where a program is looked for that is named without a directory, if the bot has no `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The umask of a bot that does not say another: that of a daemonized monitor (`0o077`) hides from other users what they
/// are to read, and that of a foreground one is a caller's.
const UMASK: u32 = 0o022;

/// The settings with which all bots of a monitor are started.
pub(crate) struct SpawnContext {
    environment: BTreeMap<OsString, OsString>,
    /// `RLIMIT_NOFILE` as it was before the monitor raised its own.
    descriptors: Option<(rlim_t, rlim_t)>,
}

/// Why there is no process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StartError {
    /// "failed to execute `/usr/bin/web`: no such file or directory".
    pub(crate) text: String,
    pub(crate) errno: i32,
    /// The machine is short of something, which says nothing about the bot.
    pub(crate) shortage: bool,
}

impl StartError {
    /// Returns why a child has not executed the program of a bot.
    pub(crate) fn of(bot: &Bot, failure: spawn::SpawnError) -> StartError {
        let error = io::Error::from_raw_os_error(failure.errno);
        let thing = match failure.step {
            "execute" => bot.command.to_string_lossy(),
            _ => bot.name.as_str().into(),
        };
        let shortages =
            [Errno::EAGAIN, Errno::ENOMEM, Errno::EMFILE, Errno::ENFILE, Errno::ETXTBSY, Errno::ENOSPC, Errno::EDQUOT];
        StartError {
            text: format!("failed to {} `{thing}`: {}", failure.step, cause(&error)),
            errno: failure.errno,
            shortage: shortages.contains(&Errno::from_raw(failure.errno)),
        }
    }

    /// Returns that the machine is short of what a start needs; another time, it may work.
    pub(crate) fn shortage(why: &str) -> StartError {
        StartError { text: format!("failed to start it: {why}"), errno: Errno::EAGAIN as i32, shortage: true }
    }
}

impl SpawnContext {
    pub(crate) fn new(monitor: &Secret, descriptors: Option<(rlim_t, rlim_t)>) -> SpawnContext {
        let mut environment: BTreeMap<OsString, OsString> = env::vars_os().collect();
        environment.retain(|name, _| !is_for_the_monitor(name));
        environment.insert(MONITOR_VARIABLE.into(), monitor.as_str().into());
        SpawnContext { environment, descriptors }
    }

    /// Returns what the kernel has to be told to start a bot's program.
    ///
    /// # Errors
    /// The program is not found, or a text contains a zero byte.
    pub(crate) fn prepare<'a>(
        &self,
        bot: &'a Bot,
        run_as: &'a RunAs,
        secret: &Secret,
        notify: Option<&str>,
        time_to_end: Duration,
        streams: [Option<BorrowedFd<'a>>; STREAMS],
    ) -> Result<Prepared<'a>, StartError> {
        let mut environment = self.environment_of(bot, run_as.user.as_ref(), notify, streams[EVENTS]);
        environment.insert(SECRET_VARIABLE.into(), secret.as_str().into());
        if !time_to_end.is_zero() {
            environment.insert(STOP_TIMEOUT_VARIABLE.into(), time_to_end.as_secs_f64().to_string().into());
        }
        let paths = candidates(bot, environment.get(OsStr::new("PATH")))?;
        let arguments = strings([bot.command.as_os_str()].into_iter().chain(bot.arguments.iter().map(|a| &**a)))?;
        let environment = environment.into_iter().map(|(name, value)| {
            let mut text = name.into_vec();
            text.push(b'=');
            text.extend(value.as_bytes());
            string(text)
        });
        let environment = environment.collect::<Result<Vec<_>, _>>()?;
        let directory = bot.directory.as_deref().unwrap_or(Path::new("/"));
        let directory = string(directory.as_os_str().as_bytes())?;
        let credentials = run_as.credentials.as_ref();
        let descriptors = self.descriptors;
        Ok(Prepared { bot, paths, arguments, environment, directory, credentials, descriptors, streams })
    }

    fn environment_of(
        &self,
        bot: &Bot,
        user: Option<&Account>,
        notify: Option<&str>,
        events: Option<BorrowedFd<'_>>,
    ) -> BTreeMap<OsString, OsString> {
        let mut environment = if bot.clear_environment { BTreeMap::new() } else { self.environment.clone() };
        if let Some(user) = user.filter(|_| !bot.clear_environment) {
            // Those of whoever the monitor runs as are wrong, also where there are no others.
            for (name, value) in account::variables(user.entry.as_ref()) {
                match value {
                    Some(value) => environment.insert(name.into(), value.into()),
                    None => environment.remove(OsStr::new(name)),
                };
            }
        }
        environment.extend(bot.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
        let monitor = self.environment.get_key_value(OsStr::new(MONITOR_VARIABLE));
        environment.extend(monitor.map(|(name, value)| (name.clone(), value.clone())));
        environment.insert(BOT_VARIABLE.into(), bot.name.clone().into());
        environment.insert(PID_VARIABLE.into(), Pid::this().to_string().into());
        if let Some(events) = events {
            environment.insert(EVENTS_VARIABLE.into(), EVENTS.to_string().into());
            if let Ok(pipe) = fstat(events) {
                environment.insert(PIPE_VARIABLE.into(), format!("{}:{}", pipe.st_dev, pipe.st_ino).into());
            }
        }
        if let Some(notify) = notify {
            environment.insert(NOTIFY_VARIABLE.into(), notify.into());
        }
        environment
    }
}

/// A bot's program, ready to be executed.
pub(crate) struct Prepared<'a> {
    bot: &'a Bot,
    paths: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: CString,
    credentials: Option<&'a Credentials>,
    descriptors: Option<(rlim_t, rlim_t)>,
    streams: [Option<BorrowedFd<'a>>; STREAMS],
}

impl Prepared<'_> {
    /// Returns the user that the bot becomes, if it becomes another one.
    pub(crate) fn new_user(&self) -> Option<Uid> {
        self.credentials?.user.map(Uid::from_raw)
    }

    /// Returns the user that the bot runs as.
    pub(crate) fn user(&self) -> u32 {
        self.new_user().unwrap_or_else(geteuid).as_raw()
    }

    /// Forks the process that executes the program, in a session of its own.
    ///
    /// # Errors
    /// There is no process.
    pub(crate) fn spawn(&self, table: &mut FdTable) -> Result<PendingChild, StartError> {
        let bot = self.bot;
        let program = spawn::Program {
            paths: &borrowed(&self.paths),
            arguments: &borrowed(&self.arguments),
            environment: &borrowed(&self.environment),
            directory: Some(&self.directory),
            umask: Some(bot.umask.unwrap_or(UMASK)),
            no_new_privs: bot.no_new_privs.unwrap_or(bot.user.is_some()),
            identity: self.credentials.map(Credentials::identity),
            descriptors: self.descriptors,
            death_signal: bot.stop.first().map_or(Signal::SIGKILL, |step| step.signal).as_raw(),
            streams: self.streams,
        };
        table.spawn(&program).map_err(|failure| StartError::of(bot, failure))
    }
}

/// Whether a variable says something to this process alone.
fn is_for_the_monitor(name: &OsStr) -> bool {
    NOT_FOR_BOTS.iter().any(|other| name == *other)
        || KINDS_NOT_FOR_BOTS.iter().any(|kind| name.as_bytes().starts_with(kind))
}

fn wrong(text: String) -> StartError {
    StartError { text, errno: Errno::EINVAL as i32, shortage: false }
}

/// A text as the kernel takes it.
fn string(text: impl Into<Vec<u8>>) -> Result<CString, StartError> {
    CString::new(text).map_err(|error| {
        let text = error.into_vec();
        wrong(format!("failed to execute with `{}`: it contains a zero byte", escape_bytes(&text)))
    })
}

fn strings<'a>(texts: impl Iterator<Item = &'a OsStr>) -> Result<Vec<CString>, StartError> {
    texts.map(|text| string(text.as_bytes())).collect()
}

fn borrowed(strings: &[CString]) -> Vec<&CStr> {
    strings.iter().map(|text| &**text).collect()
}

/// Where the program may be: itself if it names a directory, else in each of those of `PATH`.
fn candidates(bot: &Bot, path: Option<&OsString>) -> Result<Vec<CString>, StartError> {
    let command = bot.command.as_os_str();
    if command.as_bytes().contains(&b'/') {
        return strings([command].into_iter());
    }
    if command.is_empty() {
        return Err(wrong(format!("failed to execute `{}`: it has no command", bot.name)));
    }
    let path = path.map_or(OsStr::new(PATH), |path| path);
    env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| string(directory.join(command).into_os_string().into_vec()))
        .collect()
}

/// The user and the groups that a bot gets.
struct Credentials {
    user: Option<u32>,
    group: Option<u32>,
    groups: Option<Vec<u32>>,
}

/// The names by which the user and the group of a bot are looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountNames {
    user: Option<String>,
    group: Option<String>,
}

impl AccountNames {
    /// Returns `None` for a bot that stays who the monitor is.
    pub(crate) fn of(bot: &Bot) -> Option<AccountNames> {
        let (user, group) = (bot.user.clone(), bot.group.clone());
        (user.is_some() || group.is_some()).then_some(AccountNames { user, group })
    }
}

/// The answer of the name service about the user and the group of a bot.
#[derive(Default)]
pub(crate) struct RunAs {
    user: Option<Account>,
    credentials: Option<Credentials>,
}

impl RunAs {
    /// Asks the name service, which may take long.
    ///
    /// # Errors
    /// There is no such user or group, or the name service does not say which groups the user has.
    pub(crate) fn look_up(names: &AccountNames) -> Result<RunAs, StartError> {
        let user = names.user.as_deref().map(find_user).transpose()?;
        let credentials = Credentials::resolve(names.group.as_deref(), user.as_ref())?;
        Ok(RunAs { user, credentials })
    }
}

impl Credentials {
    /// Returns `None` if nothing changes.
    fn resolve(group: Option<&str>, user: Option<&Account>) -> Result<Option<Credentials>, StartError> {
        let group = group.map(find_group).transpose()?;
        let stays = user.is_none_or(|user| user.uid == geteuid()) && group.is_none_or(|group| group == getegid());
        if (user.is_none() && group.is_none()) || (stays && !geteuid().is_root()) {
            return Ok(None);
        }
        let group = group.or(user.and_then(|user| user.group));
        let groups = match (user, group) {
            (Some(Account { entry: Some(entry), .. }), Some(group)) => {
                let name = entry.name().to_string_lossy();
                let failed = |why| wrong(format!("failed to find the groups of `{name}`: {why}"));
                entry.groups(group).map_err(failed)?
            }
            (_, Some(group)) => vec![group],
            (_, None) => {
                return Err(wrong(format!(
                    "failed to become user {}: it has no passwd entry, set `group`",
                    user.map_or(0, |user| user.uid.as_raw())
                )));
            }
        };
        let mut groups: Vec<u32> = groups.into_iter().map(Gid::as_raw).collect();
        groups.sort_unstable();
        groups.dedup();
        Ok(Some(Credentials {
            user: user.map(|user| user.uid.as_raw()),
            group: group.map(Gid::as_raw),
            groups: Some(groups),
        }))
    }

    fn identity(&self) -> spawn::Identity<'_> {
        spawn::Identity { user: self.user, group: self.group, groups: self.groups.as_deref() }
    }
}

fn find_user(text: &str) -> Result<Account, StartError> {
    Account::find(text).map_err(|why| wrong(format!("failed to become user `{text}`: {why}")))
}

fn find_group(text: &str) -> Result<Gid, StartError> {
    account::find_group(text).map_err(|why| wrong(format!("failed to become group `{text}`: {why}")))
}
