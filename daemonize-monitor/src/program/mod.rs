//! Prepares the program of a bot: all arguments of the system calls are computed before the fork.

mod credentials;
mod environment;
mod resource_limits;
mod start_error;

pub(crate) use credentials::{AccountNames, RunAs};
pub(crate) use environment::{BOT_VARIABLE, MONITOR_VARIABLE, SECRET_VARIABLE};
pub(crate) use resource_limits::kernel_resource;
pub(crate) use start_error::StartError;

use crate::bot::{Bot, Resource};
use crate::secret::Secret;
use crate::sys::spawn::{self, FdTable, PendingChild, Resources, Rlimit, STREAMS};
use credentials::Credentials;
use daemonize_core::Signal;
use daemonize_sys::escape::escape_bytes;
use environment::{EVENTS, STOP_TIMEOUT_VARIABLE};
use nix::sys::resource::rlim_t;
use nix::unistd::{Uid, geteuid};
use std::collections::BTreeMap;
use std::env;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::Duration;

/// The search path for a bot without `PATH`.
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

impl SpawnContext {
    pub(crate) fn new(monitor: &Secret, descriptors: Option<(rlim_t, rlim_t)>) -> SpawnContext {
        let mut environment = environment::inherited();
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
        let mut environment =
            environment::of_bot(&self.environment, bot, run_as.user.as_ref(), notify, streams[EVENTS]);
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
        let limits = resource_limits::of(bot);
        // A limit of descriptors that the bot sets is among its limits.
        let descriptors = self.descriptors.filter(|_| !bot.rlimits.contains_key(&Resource::Nofile));
        Ok(Prepared { bot, paths, arguments, environment, directory, credentials, descriptors, limits, streams })
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
    limits: Vec<Rlimit>,
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
    pub(crate) fn spawn(
        &self,
        table: &mut FdTable,
        sockets: &[BorrowedFd<'_>],
        cgroup: Option<BorrowedFd<'_>>,
    ) -> Result<PendingChild, StartError> {
        let bot = self.bot;
        let told = environment::of_sockets(bot, sockets.len()).into_iter();
        let told = told.map(|(name, value)| string(format!("{name}={value}"))).collect::<Result<Vec<_>, _>>()?;
        let environment: Vec<&CStr> = self.environment.iter().chain(&told).map(|text| &**text).collect();
        let program = spawn::Program {
            paths: &borrowed(&self.paths),
            arguments: &borrowed(&self.arguments),
            environment: &environment,
            directory: Some(&self.directory),
            umask: Some(bot.umask.unwrap_or(UMASK)),
            no_new_privs: bot.no_new_privs.unwrap_or(bot.user.is_some()),
            identity: self.credentials.map(Credentials::identity),
            descriptors: self.descriptors,
            resources: Resources {
                limits: &self.limits,
                nice: bot.nice,
                oom_score_adjust: bot.oom_score_adjust,
                cgroup,
            },
            death_signal: bot.stop.first().map_or(Signal::SIGKILL, |step| step.signal).as_raw(),
            streams: self.streams,
            sockets,
        };
        table.spawn(&program).map_err(|failure| StartError::of(bot, failure))
    }
}

/// Converts a text to a C string.
fn string(text: impl Into<Vec<u8>>) -> Result<CString, StartError> {
    CString::new(text).map_err(|error| {
        let text = error.into_vec();
        StartError::invalid(format!("failed to execute with `{}`: it contains a zero byte", escape_bytes(&text)))
    })
}

fn strings<'a>(texts: impl Iterator<Item = &'a OsStr>) -> Result<Vec<CString>, StartError> {
    texts.map(|text| string(text.as_bytes())).collect()
}

fn borrowed(strings: &[CString]) -> Vec<&CStr> {
    strings.iter().map(|text| &**text).collect()
}

/// Returns the paths at which to try execve(2): the command itself if it contains `/`, otherwise one for each directory of `PATH`.
fn candidates(bot: &Bot, path: Option<&OsString>) -> Result<Vec<CString>, StartError> {
    let command = bot.command.as_os_str();
    if command.as_bytes().contains(&b'/') {
        return strings([command].into_iter());
    }
    if command.is_empty() {
        return Err(StartError::invalid(format!("failed to execute `{}`: it has no command", bot.name)));
    }
    let path = path.map_or(OsStr::new(PATH), |path| path);
    env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| string(directory.join(command).into_os_string().into_vec()))
        .collect()
}
