//! The daemon that a client talks to: the process that the pidfile names, while it runs.

use super::error::{Error, ErrorKind, Result};
use crate::address::Address;
use crate::runtime_dir::RuntimeDir;
use daemonize_core::status::State;
use daemonize_core::{Daemon, Pid, Status};
use daemonize_sys::proc::{ProcStat, Users};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Timeout of a call unless the client sets another.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A daemon that is identified by its pidfile, whether it runs or not.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    daemon: Arc<Daemon>,
    pub(crate) timeout: Duration,
}

/// A daemon that was running when it was looked for.
#[derive(Clone, Debug)]
pub(crate) struct RunningDaemon {
    pub(crate) pid: Pid,
    /// The start time of the process, in clock ticks since boot (`proc_pid_stat(5)`). With the pid, it identifies the process.
    pub(crate) start_time: u64,
    /// The effective user of the process.
    pub(crate) owner: u32,
    /// The addresses of its endpoint: Unix sockets first, which need no token.
    pub(crate) addresses: Vec<Address>,
    pub(crate) pidfile: PathBuf,
}

impl Target {
    /// Identifies the daemon of a pidfile; `~` and `$VAR` are expanded.
    pub(crate) fn at(pidfile: impl Into<PathBuf>) -> Target {
        Target { daemon: Arc::new(Daemon::new("client").pidfile(pidfile)), timeout: DEFAULT_TIMEOUT }
    }

    /// Identifies the daemon that `daemon` describes; its paths are expanded when it is looked for.
    pub(crate) fn of<W>(daemon: &Daemon<W>) -> Target {
        Target { daemon: Arc::new(daemon.without_work()), timeout: DEFAULT_TIMEOUT }
    }

    /// Identifies the daemon of exactly this path, in which nothing is expanded.
    pub(crate) fn exactly(pidfile: &Path) -> Target {
        match pidfile.to_str() {
            Some(text) => Target::at(text.replace('$', "$$")),
            None => Target::at(pidfile),
        }
    }

    pub(crate) fn pidfile(&self) -> PathBuf {
        self.daemon.pidfile_path()
    }

    /// Returns the pid of the daemon if it runs.
    ///
    /// # Errors
    /// The pidfile cannot be read or trusted.
    pub(crate) fn pid(&self) -> Result<Option<Pid>> {
        let status = self.status()?;
        match status.state {
            State::Running => Ok(status.pid),
            State::Unknown(why) => Err(Error::failed(ErrorKind::Unknown, "read", status.pidfile.display(), why)),
            _ => Ok(None),
        }
    }

    /// Returns the daemon's state. Takes no lock, and does not connect.
    pub(crate) fn status(&self) -> Result<Status> {
        self.daemon.status().map_err(|error| Error::new(ErrorKind::Unknown, error.to_string()))
    }

    /// Finds the daemon's process and its addresses.
    ///
    /// # Errors
    /// The daemon does not run, is starting, or has no endpoint; or its state is unknown.
    pub(crate) fn find(&self) -> Result<RunningDaemon> {
        let Status { state, pid, pidfile, addresses, last_words, .. } = self.status()?;
        let failed = |kind, why: &dyn Display| Err(failed(kind, &pidfile, why));
        let words = last_words.map_or_else(String::new, |words| format!("; {words}"));
        let pid = match (state, pid) {
            (State::Running, Some(pid)) => pid,
            (State::Starting, _) => return failed(ErrorKind::Starting, &"it is starting"),
            (State::Dead, _) => return failed(ErrorKind::NotRunning, &format_args!("it is dead{words}")),
            (State::Stopped, _) => return failed(ErrorKind::NotRunning, &format_args!("it is not running{words}")),
            (State::Unknown(why), _) => return failed(ErrorKind::Unknown, &why),
            (state, _) => return failed(ErrorKind::Unknown, &format_args!("{state:?}")),
        };
        let (Ok(users), Some(start_time)) = (Users::of(pid), start_time(pid)) else {
            return failed(ErrorKind::NotRunning, &format_args!("pid {pid} has just ended"));
        };
        let mut addresses: Vec<Address> = addresses.iter().filter_map(|line| Address::parse(line)).collect();
        addresses.sort_by_key(|address| matches!(address, Address::Tcp(_)));
        if addresses.is_empty() {
            return failed(ErrorKind::Unreachable, &format_args!("pid {pid} has no endpoint"));
        }
        Ok(RunningDaemon { pid, start_time, owner: users.effective, addresses, pidfile })
    }

    /// Checks that the pidfile still names the same process with the same addresses.
    ///
    /// # Errors
    /// The pidfile names another process or other addresses, or no daemon runs.
    pub(crate) fn is_still(&self, found: &RunningDaemon) -> Result<()> {
        let now = self.find()?;
        if now.pid == found.pid && now.start_time == found.start_time && now.addresses == found.addresses {
            return Ok(());
        }
        Err(found.failed(ErrorKind::Unreachable, "another daemon has taken its place meanwhile"))
    }

    /// Returns `true` if the same process still runs, according to the pidfile.
    pub(crate) fn runs(&self, found: &RunningDaemon) -> Result<bool> {
        let status = self.status()?;
        match status.state {
            State::Running => Ok(status.pid == Some(found.pid) && start_time(found.pid) == Some(found.start_time)),
            State::Unknown(why) => Err(failed(ErrorKind::Unknown, &status.pidfile, why)),
            _ => Ok(false),
        }
    }

    /// Returns the deadline of a call that begins now.
    pub(crate) fn deadline(&self) -> Instant {
        after(self.timeout)
    }
}

impl RunningDaemon {
    /// Returns where the endpoint writes its token: beside its socket.
    pub(crate) fn token_file(&self) -> PathBuf {
        let socket = self.addresses.iter().find_map(|address| match address {
            Address::Unix(path) => Some(path),
            Address::Tcp(_) => None,
        });
        socket.map_or_else(|| RuntimeDir::beside(&self.pidfile).token(), |socket| RuntimeDir::of_socket(socket).token())
    }

    /// Returns an error about reaching the daemon.
    pub(crate) fn failed(&self, kind: ErrorKind, why: impl Display) -> Error {
        failed(kind, &self.pidfile, why)
    }
}

fn failed(kind: ErrorKind, pidfile: &Path, why: impl Display) -> Error {
    Error::failed(kind, "reach the daemon of", pidfile.display(), why)
}

/// Returns the moment after this time, or in thirty years where the clock would overflow.
pub(crate) fn after(time: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    Instant::now() + time.min(NEVER)
}

/// Returns the start time of a process, in clock ticks since boot; `None` if there is no such process.
fn start_time(pid: Pid) -> Option<u64> {
    ProcStat::of(pid).ok().map(|stat| stat.start_time)
}
