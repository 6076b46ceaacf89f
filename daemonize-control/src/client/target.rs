//! Whom a client talks to: the process that the pidfile names, if it lives.

use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::place::Place;
use daemonize_core::{Daemon, Pid, State, Status};
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a call may take unless its client says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A daemon by its pidfile.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    daemon: Arc<Daemon>,
    pub(crate) timeout: Duration,
}

/// A daemon that lives.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) pid: Pid,
    /// The user that it runs as.
    pub(crate) owner: u32,
    /// Unix sockets first: they need no token.
    pub(crate) addresses: Vec<Address>,
    pub(crate) pidfile: PathBuf,
}

impl Target {
    /// The daemon of a pidfile; `~` and `$VAR` are expanded.
    pub(crate) fn at(pidfile: impl Into<PathBuf>) -> Target {
        Target { daemon: Arc::new(Daemon::new("client").pidfile(pidfile)), timeout: TIMEOUT }
    }

    /// The daemon of exactly this path, in which nothing is expanded.
    pub(crate) fn exactly(pidfile: &Path) -> Target {
        match pidfile.to_str() {
            Some(text) => Target::at(text.replace('$', "$$")),
            None => Target::at(pidfile),
        }
    }

    pub(crate) fn pidfile(&self) -> PathBuf {
        self.daemon.pidfile_path()
    }

    /// Whether it runs; takes no lock, and connects to nobody.
    pub(crate) fn status(&self) -> Result<Status> {
        self.daemon.status().map_err(|error| Error::new(ErrorKind::Unknown, error.to_string()))
    }

    /// The daemon, if it lives.
    pub(crate) fn find(&self) -> Result<Found> {
        let Status { state, pid, pidfile, addresses, .. } = self.status()?;
        let failed = |kind, why: &dyn Display| Err(failed(kind, &pidfile, why));
        let pid = match (state, pid) {
            (State::Running, Some(pid)) => pid,
            (State::Starting, _) => return failed(ErrorKind::Starting, &"it is starting"),
            (State::Dead, _) => return failed(ErrorKind::NotRunning, &"it is dead"),
            (State::Stopped, _) => return failed(ErrorKind::NotRunning, &"it is not running"),
            (State::Unknown(why), _) => return failed(ErrorKind::Unknown, &why),
            (state, _) => return failed(ErrorKind::Unknown, &format_args!("{state:?}")),
        };
        let Some(owner) = owner(pid) else {
            return failed(ErrorKind::NotRunning, &format_args!("pid {pid} has just ended"));
        };
        let mut addresses: Vec<Address> = addresses.iter().filter_map(|line| Address::parse(line)).collect();
        addresses.sort_by_key(|address| matches!(address, Address::Tcp(_)));
        if addresses.is_empty() {
            return failed(ErrorKind::Unreachable, &format_args!("pid {pid} has no endpoint"));
        }
        Ok(Found { pid, owner, addresses, pidfile })
    }

    /// Whether that very daemon still lives.
    pub(crate) fn is_still(&self, found: &Found) -> Result<()> {
        let now = self.find()?;
        if now.pid == found.pid && now.addresses == found.addresses {
            return Ok(());
        }
        Err(found.failed(ErrorKind::Untrusted, "another daemon has taken its place meanwhile"))
    }
}

impl Found {
    /// Where the endpoint writes its token: in the private directory beside the pidfile.
    pub(crate) fn token_file(&self) -> PathBuf {
        Place::beside(&self.pidfile).token()
    }

    /// An error about reaching it.
    pub(crate) fn failed(&self, kind: ErrorKind, why: impl Display) -> Error {
        failed(kind, &self.pidfile, why)
    }
}

fn failed(kind: ErrorKind, pidfile: &Path, why: impl Display) -> Error {
    Error::failed(kind, "reach the daemon of", pidfile.display(), why)
}

/// The effective user of a process. Not the owner of `/proc/PID`: that is root where nobody may dump it.
fn owner(pid: Pid) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?.parse().ok()
}
