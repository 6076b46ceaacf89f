//! A daemon that works, but whose socket is gone: a cleaner of temporary files or its user has removed it, or the whole directory.
//!
//! No client can reach such a daemon any more, and none can start another one while it holds the pidfile. So it is stopped, and the next start
//! takes its place. A daemon that is starting, or has taken its socket away because it exits, is left alone.

use super::{Directory, LEAVING, OpenDirectory, SOCKET};
use daemonize_core::status::State;
use daemonize_core::{Daemon, Pid, Result};
use daemonize_sys::proc::ProcStat;
use std::time::{Duration, Instant};

/// The time for which the socket must be missing: longer than any moment between two steps of a daemon or of its launcher.
const GRACE: Duration = Duration::from_millis(200);

/// The time between two looks at the directory.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A working daemon that no client can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostSocket {
    /// The daemon's process.
    pub pid: Pid,
    /// The start time of the process in clock ticks since boot, so that a reused pid is not mistaken for it.
    start_time: u64,
    /// `true` if the whole directory is gone.
    pub is_directory_gone: bool,
}

impl Directory {
    /// Returns the working daemon whose socket is missing, or is not its own; `None` if no daemon works, if it is starting or exits, and if
    /// its socket is there again.
    ///
    /// A client calls it when it has not reached a daemon that holds its pidfile. It takes 0.2 s, in which nothing may change. `daemon` needs the
    /// name and pidfile only.
    ///
    /// # Errors
    /// The state of the daemon cannot be determined.
    pub fn lost_socket<W>(&self, daemon: &Daemon<W>, deadline: Instant) -> Result<Option<LostSocket>> {
        let Some(found) = self.look(daemon)? else { return Ok(None) };
        let until = (Instant::now() + GRACE).min(deadline);
        while Instant::now() < until {
            std::thread::sleep(LOOK_INTERVAL);
            if self.is_reachable_or_leaving(deadline).is_none() {
                return Ok(None);
            }
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        // The same process still works, and still without a socket.
        Ok(self.look(daemon)?.filter(|again| *again == found))
    }

    /// Returns the daemon that works now, if its socket is missing now.
    fn look<W>(&self, daemon: &Daemon<W>) -> Result<Option<LostSocket>> {
        let status = daemon.status()?;
        let (State::Running, Some(pid)) = (&status.state, status.pid) else { return Ok(None) };
        // A daemon that was started in another context has its directory beside the pidfile that was found.
        let place = Directory { owner: self.owner, ..Directory::beside(&status.pidfile) };
        let Some(is_directory_gone) = place.is_reachable_or_leaving(Instant::now()) else { return Ok(None) };
        let stat = ProcStat::of(pid).ok();
        Ok(stat.map(|stat| LostSocket { pid, start_time: stat.start_time, is_directory_gone }))
    }

    /// Returns `None` if a client can connect, or the daemon exits, or the directory is not to be judged; otherwise whether the whole
    /// directory is gone.
    fn is_reachable_or_leaving(&self, deadline: Instant) -> Option<bool> {
        match self.open() {
            Ok(None) => Some(true),
            Ok(Some(open)) if open.has(LEAVING) || open.is_answered(deadline) => None,
            Ok(Some(_)) => Some(false),
            Err(_) => None,
        }
    }
}

impl OpenDirectory {
    /// Returns `true` unless the socket is missing or no process listens: a full queue is one of a listener.
    fn is_answered(&self, deadline: Instant) -> bool {
        use std::io::ErrorKind::{ConnectionRefused, NotFound};
        self.connect(SOCKET, deadline)
            .map_or_else(|error| !matches!(error.kind(), ConnectionRefused | NotFound), |_| true)
    }
}
