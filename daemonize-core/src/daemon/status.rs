//! `Daemon::status`, `pid` and `pidfile_path`: report whether a daemon runs, and how it ended.

use super::Daemon;
use super::unnamed_process::{describe_holder, explain_hook, pidfile_is_left_to_hook};
use crate::attach::Handle;
use crate::context;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::{escape, escape_bytes, escape_lines};
use crate::pid::Pid;
use crate::pidfile::{ExitReport, Holder, Probe, read_last_words};
use crate::pidfile_search::{LocatedPidFile, holder, locate, locate_path, probe};
use crate::report;
use crate::settings::Settings;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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
    /// The addresses at which a running daemon can be reached: see [`Prepared::addresses`](crate::attach::Prepared::addresses).
    pub addresses: Vec<String>,
    /// The daemon's own report of how it ended; `None` while it runs, and after an end that it could not report: by a signal, or
    /// without a pidfile. A stop that finds no daemon, and the next start, remove the report.
    pub last_words: Option<LastWords>,
    /// A warning for an operator, in one line, escaped: what the daemon could not do (reopen a log file after SIGHUP), or why its
    /// report of its end is not trusted.
    pub warning: Option<String>,
}

/// A daemon's own report of how it ended: a claim of the user that it ran as, which nothing should depend on.
///
/// ```
/// use daemon::Daemon;
///
/// let status = Daemon::new("no-such-daemon").pidfile("/tmp/no-such-daemon.pid").status()?;
/// if let Some(words) = &status.last_words {
///     println!("{words}"); // ended 3 minutes ago; it said: the body failed: no such table
/// }
/// # Ok::<(), daemon::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastWords {
    /// The time of the end.
    pub at: SystemTime,
    /// The exit status; `None` if the program called `exit(3)` itself, or a panic aborted it.
    pub exit_status: Option<u8>,
    /// The reason, in one line, escaped; empty after an orderly end.
    pub text: String,
}

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = Ago(self.at);
        match self.exit_status {
            Some(0) => write!(f, "it said {ago} that it ends in order"),
            Some(status) if self.text.is_empty() => write!(f, "ended {ago} with status {status}"),
            _ => write!(f, "ended {ago}; it said: {}", self.text),
        }
    }
}

/// The age of a moment, displayed in its largest unit.
struct Ago(SystemTime);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Zero if the clock was set back meanwhile.
        let seconds = self.0.elapsed().unwrap_or_default().as_secs();
        let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
        match units.into_iter().find(|(length, _)| seconds >= *length) {
            Some((length, unit)) => {
                let count = seconds / length;
                write!(f, "{count} {unit}{} ago", if count == 1 { "" } else { "s" })
            }
            None => f.write_str("just now"),
        }
    }
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
            return Ok(Status { state, pid, pidfile, addresses, last_words: None, warning });
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
        return Ok(Status { state, pid: None, pidfile, addresses: Vec::new(), last_words: None, warning: None });
    }
    let LocatedPidFile { path: pidfile, probed } = locate(settings)?;
    let (probe, holder) = match probed {
        Some((probe, holder)) => (probe, Ok(holder)),
        None => probe_holder(&pidfile),
    };
    let mut addresses = Vec::new();
    let (state, pid) = match holder {
        Ok(Holder::Alive(identity)) => {
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
    Ok(Status { state, pid, pidfile, addresses, last_words, warning })
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

impl LastWords {
    fn at(at: SystemTime) -> impl FnOnce(ExitReport) -> LastWords {
        move |ExitReport { status, text }| LastWords { at, exit_status: status, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn words(age: Duration, exit_status: Option<u8>, text: &str) -> String {
        let at = SystemTime::now().checked_sub(age).unwrap();
        LastWords { at, exit_status, text: text.into() }.to_string()
    }

    #[test]
    fn last_words_say_how_long_ago_and_why() {
        let minute = Duration::from_secs(60);
        assert_eq!(words(minute * 3, Some(4), "no table"), "ended 3 minutes ago; it said: no table");
        assert_eq!(words(minute * 60, None, "bye"), "ended 1 hour ago; it said: bye");
        assert_eq!(words(minute * 60 * 24 * 400, Some(1), ""), "ended 400 days ago with status 1");
        assert_eq!(words(Duration::ZERO, Some(0), ""), "it said just now that it ends in order");
        let future = LastWords { at: SystemTime::now() + minute, exit_status: Some(4), text: "no".into() };
        assert_eq!(future.to_string(), "ended just now; it said: no");
    }
}
