//! Reports the status of a daemon: whether it runs, and what it said.

use super::find::{Found, find_and_look};
use super::{describe_file, holder, leaves_pidfile_to_hook, look, names_no_process};
use crate::error::Result;
use crate::escape::{escape, escape_bytes, escape_lines};
use crate::pid::Pid;
use crate::pidfile::{ExitReport, Holder, Probe, read_last_words};
use crate::settings::Settings;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The findings of `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The state of the daemon.
    pub state: State,
    /// The process that the pidfile names, living or dead.
    pub pid: Option<Pid>,
    /// The pidfile that was read.
    pub pidfile: PathBuf,
    /// The addresses at which it can be reached while it runs: see [`Prepared::addresses`](crate::attach::Prepared::addresses).
    pub addresses: Vec<String>,
    /// How it ended, in its own words; `None` while it runs, and after an end that it could not report: by a signal, or
    /// without a pidfile. A stop that finds no daemon, and the next start, forget it.
    pub last_words: Option<LastWords>,
    /// A warning for an operator, in one line, escaped: what it says that it could not do (a log that SIGHUP could
    /// not open again), or why its last words are not believed.
    pub warning: Option<String>,
}

/// How a daemon ended, as it said itself: a claim of the user that it ran as, which nothing should depend on.
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
    /// When it ended.
    pub at: SystemTime,
    /// The exit status; `None` if the program called `exit(3)` itself, or a panic aborted it.
    pub exit_status: Option<u8>,
    /// Why, in one line, escaped; empty after an end in order.
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

/// How long ago a moment is, in its largest unit.
struct Ago(SystemTime);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A clock that was set back meanwhile.
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
    /// It lives.
    Running,
    /// Its pidfile is new and still empty: a start is on its way.
    Starting,
    /// It died without removing its pidfile.
    Dead,
    /// There is no pidfile.
    Stopped,
    /// It cannot be said, for this reason.
    Unknown(String),
}

impl Status {
    /// The exit status that the LSB asks of `status`: 0 running, 1 dead with a pidfile, 3 not running, 4 unknown
    /// (starting is none of the others yet).
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
        self.warning.as_ref().map_or(Ok(()), |warning| write!(f, "; {warning}"))
    }
}

/// Returns whether the daemon runs; takes no lock, so it never makes a start fail.
pub(crate) fn status(settings: &Settings) -> Result<Status> {
    if settings.no_pidfile {
        settings.check_name()?;
        let state = State::Unknown(settings.cannot_find_without_pidfile("find").to_string());
        let pidfile = PathBuf::new();
        return Ok(Status { state, pid: None, pidfile, addresses: Vec::new(), last_words: None, warning: None });
    }
    let Found { path: pidfile, look } = find_and_look(settings)?;
    let (probe, holder) = look.map_or_else(|| look_at(&pidfile), |(probe, holder)| (probe, Ok(holder)));
    let mut addresses = Vec::new();
    let (state, pid) = match holder {
        Ok(Holder::Alive(identity)) => {
            addresses = probe.addresses();
            (State::Running, Some(identity.pid))
        }
        Ok(Holder::Dead(identity)) => (State::Dead, Some(identity.pid)),
        Ok(Holder::Unsealed(_)) if leaves_pidfile_to_hook(settings) => {
            (State::Unknown(names_no_process(&pidfile)), None)
        }
        Ok(Holder::Unsealed(age)) if age < settings.start_timeout => (State::Starting, None),
        Ok(Holder::Unsealed(_) | Holder::Nobody) => (State::Dead, None),
        Ok(Holder::Nothing) => (State::Stopped, None),
        Ok(holder @ (Holder::Unknown(_) | Holder::Foreign | Holder::Unproven(_) | Holder::Stranger(..))) => {
            (State::Unknown(describe_file(&pidfile, &holder)), None)
        }
        Err(error) => (State::Unknown(format!("{error}")), None),
    };
    let (last_words, warning) = claims(&state, pid, &probe);
    Ok(Status { state, pid, pidfile, addresses, last_words, warning })
}

/// Looks at the pidfile, and returns the state of the process that it names.
fn look_at(pidfile: &Path) -> (Probe, Result<Holder>) {
    match look(pidfile) {
        Ok(probe) => {
            let holder = holder(pidfile, &probe);
            (probe, holder)
        }
        Err(error) => (Probe::nothing(), Err(error)),
    }
}

/// Returns what the daemon has said, as far as it is about this state: the words of another process than the pidfile names
/// are those of an earlier daemon.
fn claims(state: &State, pid: Option<Pid>, probe: &Probe) -> (Option<LastWords>, Option<String>) {
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
        // One that could not remove the file after an end in order.
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
