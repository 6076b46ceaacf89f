//! `Daemon::status`, `pid` and `pidfile_path`: report whether a daemon runs, and how it ended.

use super::Daemon;
use super::last_words::LastWords;
use super::unnamed_process::{describe_holder, explain_hook, pidfile_is_left_to_hook};
use crate::attach::Handle;
use crate::context;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::{escape, escape_bytes, escape_lines};
use crate::pid::Pid;
use crate::pidfile::{Holder, Probe, read_last_words};
use crate::pidfile_search::{LocatedPidFile, holder, locate, locate_path, probe};
use crate::process::Identity;
use crate::report;
use crate::settings::Settings;
use crate::sys::proc::age;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The result of [`Daemon::status`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The state of the daemon.
    pub state: State,
    /// The process that the pidfile names, living or dead.
    pub pid: Option<Pid>,
    /// The pidfile that was read.
    pub pidfile: PathBuf,
    /// When a running daemon was started, to the second: the start of its process.
    pub started_at: Option<SystemTime>,
    /// The addresses at which a running daemon can be reached: see [`Prepared::addresses`](crate::attach::Prepared::addresses).
    pub addresses: Vec<String>,
    /// The daemon's own report of how it ended; `None` while it runs, and after an end that it could not report: by a signal, or
    /// without a pidfile. A stop that finds no daemon, and the next start, remove the report.
    pub last_words: Option<LastWords>,
    /// A warning for an operator, in one line, escaped: what the daemon could not do (reopen a log file after SIGHUP), or why its
    /// report of its end is not trusted.
    pub warning: Option<String>,
}

/// The state of a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It runs.
    Running,
    /// Its pidfile is new and still empty: a start is under way.
    Starting,
    /// It died without removing its pidfile.
    Dead,
    /// There is no pidfile.
    Stopped,
    /// The state cannot be determined, for this reason.
    Unknown(String),
}

impl Status {
    /// Returns the exit status that the LSB specifies for `status`: 0 running, 1 dead with a pidfile, 3 not running, 4 unknown.
    /// [`Starting`](State::Starting) is 4, too.
    pub fn exit_code(&self) -> u8 {
        match self.state {
            State::Running => 0,
            State::Dead => 1,
            State::Stopped => 3,
            State::Starting | State::Unknown(_) => 4,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = escape_bytes(self.pidfile.as_os_str().as_bytes());
        match (&self.state, self.pid) {
            (State::Running, Some(pid)) if self.pidfile.as_os_str().is_empty() => {
                write!(f, "running as pid {pid} (without a pidfile)")
            }
            (State::Running, Some(pid)) => write!(f, "running as pid {pid} (pidfile `{path}`)"),
            (State::Running, None) => write!(f, "running (pidfile `{path}`)"),
            (State::Starting, _) => write!(f, "starting (pidfile `{path}`)"),
            (State::Dead, _) => write!(f, "dead, but its pidfile `{path}` is still there"),
            (State::Stopped, _) => write!(f, "not running (no `{path}`)"),
            (State::Unknown(why), _) => write!(f, "unknown: {}", escape_lines(why)),
        }?;
        match (&self.last_words, &self.state) {
            (Some(words), _) => write!(f, "; {words}")?,
            (None, State::Dead) if self.pid.is_some() => f.write_str("; it ended without a word")?,
            _ => {}
        }
        match &self.warning {
            Some(warning) => write!(f, "; {warning}"),
            None => Ok(()),
        }
    }
}

impl<W> Daemon<W> {
    /// Returns whether the daemon runs, its warning for an operator, and after its end the daemon's own report of why it ended.
    /// Takes no lock, and so never makes a start fail.
    ///
    /// # Errors
    /// Only for a wrong name or path. A state that cannot be determined is [`State::Unknown`].
    pub fn status(&self) -> Result<Status> {
        if let Some(context) = context::current().filter(|_| self.is_inside()) {
            let Handle { pidfile, addresses, .. } = context.handle.clone();
            let warning = report::warning().map(|warning| format!("it says: {}", escape(&warning)));
            let (state, pid) = (State::Running, Some(Pid::this()));
            let started_at = Some(started_at(&context.identity));
            return Ok(Status { state, pid, pidfile, started_at, addresses, last_words: None, warning });
        }
        status_from_outside(&self.settings)
    }

    /// Returns the daemon's pid; `None` if it does not run.
    ///
    /// # Errors
    /// The state cannot be determined.
    pub fn pid(&self) -> Result<Option<Pid>> {
        match self.status()? {
            Status { state: State::Running, pid, .. } => Ok(pid),
            Status { state: State::Unknown(why), .. } => Err(Error::new(ErrorKind::PidFile, why)),
            _ => Ok(None),
        }
    }

    /// Returns the path of the pidfile, or where a start would create it. Returns an empty path if it cannot be determined
    /// because of a mistake in the settings, which the other verbs report.
    pub fn pidfile_path(&self) -> PathBuf {
        match context::current().filter(|_| self.is_inside()) {
            Some(context) => context.handle.pidfile.clone(),
            None => locate_path(&self.settings).unwrap_or_default(),
        }
    }

    /// Returns `true` if this process is the daemon that these settings describe.
    pub(super) fn is_inside(&self) -> bool {
        let Some(handle) = context::current().map(|context| &context.handle) else { return false };
        // The default pidfile depends on the user, which the daemon may have changed since its start.
        let is_default = self.settings.pidfile.is_none() && handle.is_default_pidfile;
        if is_default {
            return handle.name == self.settings.name;
        }
        self.settings.pidfile().is_ok_and(|pidfile| pidfile == handle.pidfile)
    }
}

/// P8: reads the pidfile without locking it, so that a start at the same time never fails.
fn status_from_outside(settings: &Settings) -> Result<Status> {
    if settings.no_pidfile {
        settings.check_name()?;
        let state = State::Unknown(settings.cannot_find_without_pidfile("find").to_string());
        let pidfile = PathBuf::new();
        let addresses = Vec::new();
        return Ok(Status { state, pid: None, pidfile, started_at: None, addresses, last_words: None, warning: None });
    }
    let LocatedPidFile { path: pidfile, probed } = locate(settings)?;
    let (probe, holder) = match probed {
        Some((probe, holder)) => (probe, Ok(holder)),
        None => probe_holder(&pidfile),
    };
    let (mut addresses, mut since) = (Vec::new(), None);
    let (state, pid) = match holder {
        Ok(Holder::Alive(identity)) => {
            since = Some(started_at(&identity));
            addresses = probe.addresses();
            (State::Running, Some(identity.pid))
        }
        Ok(Holder::Dead(identity)) => (State::Dead, Some(identity.pid)),
        Ok(Holder::Unsealed(_)) if pidfile_is_left_to_hook(settings) => (State::Unknown(explain_hook(&pidfile)), None),
        Ok(Holder::Unsealed(age)) if age < settings.start_timeout => (State::Starting, None),
        Ok(Holder::Unsealed(_) | Holder::Unidentified) => (State::Dead, None),
        Ok(Holder::Nothing) => (State::Stopped, None),
        Ok(holder @ (Holder::Unknown(_) | Holder::Foreign | Holder::Unproven(_) | Holder::WrongUser(..))) => {
            (State::Unknown(describe_holder(&pidfile, &holder)), None)
        }
        Err(error) => (State::Unknown(format!("{error}")), None),
    };
    let (last_words, warning) = own_reports(&state, pid, &probe);
    Ok(Status { state, pid, pidfile, started_at: since, addresses, last_words, warning })
}

/// Returns when a living process was started, rounded to the second: the clock of the start times has ticks of 10 ms.
fn started_at(identity: &Identity) -> SystemTime {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let since = now.saturating_sub(age(identity.start_time)) + Duration::from_millis(500);
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// Probes the pidfile, and returns the state of the process that it names.
fn probe_holder(pidfile: &Path) -> (Probe, Result<Holder>) {
    match probe(pidfile) {
        Ok(probe) => {
            let holder = holder(pidfile, &probe);
            (probe, holder)
        }
        Err(error) => (Probe::nothing(), Err(error)),
    }
}

/// Returns the daemon's report of its end, or its warning while it runs. A report of another process than the pidfile names is
/// that of an earlier daemon, and is ignored.
fn own_reports(state: &State, pid: Option<Pid>, probe: &Probe) -> (Option<LastWords>, Option<String>) {
    let (statement, at) = match state {
        State::Starting | State::Unknown(_) => return (None, None),
        _ => match read_last_words(probe) {
            Ok(Some(said)) => said,
            Ok(None) => return (None, None),
            Err(why) => return (None, Some(format!("its last words are not believed: {}", escape(&why)))),
        },
    };
    let is_its = statement.pid == pid;
    match state {
        State::Running if is_its => (None, statement.warning.map(|warning| format!("it says: {warning}"))),
        State::Dead if is_its => (statement.end.map(LastWords::at(at)), None),
        // No pidfile, so the daemon has ended in order but could not remove the report, unless the report is of a failure.
        State::Stopped => (statement.end.filter(|end| end.status != Some(0)).map(LastWords::at(at)), None),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_of_this_process_is_in_its_past_and_the_same_twice() {
        let identity = Identity::of(Pid::this()).unwrap();
        let (first, second) = (started_at(&identity), started_at(&identity));
        assert!(first <= SystemTime::now() + Duration::from_secs(1));
        assert!(first.elapsed().unwrap_or_default() < Duration::from_secs(3600));
        assert!(second.duration_since(first).unwrap_or_default() <= Duration::from_secs(1));
    }
}
