//! Releases the pidfile at the end of a daemon: removes it, or passes its lock to the successor.

use super::successor::{self, Successor};
use crate::context::DaemonContext;
use crate::error::{Error, ErrorKind, Result};
use crate::ipc::Message;
use crate::mutex::lock;
use crate::pidfile::PidFile;
use crate::sys::siginfo::Purpose;

impl DaemonContext {
    /// Removes the pidfile and releases its lock, once, or passes the lock to the successor. Returns the error, if there is
    /// one.
    pub(crate) fn release_pidfile(&self) -> Option<Error> {
        // Held until both files are removed: the body's thread and the signal thread may call this at once, and the second
        // one, which finds nothing to do, ends the process.
        let mut guard = lock(&self.pidfile);
        let pidfile = guard.take()?;
        let handed_over = hand_over(self, &pidfile);
        if let Ok(true) = handed_over {
            drop(pidfile.disown());
            return None;
        }
        let released = pidfile.release();
        handed_over.map(drop).and(released).err()
    }
}

/// Passes the lock to the successor. Returns `false` if the pidfile is to be removed: there is no successor, or it has a
/// pidfile of its own.
///
/// # Errors
/// The successor has ended meanwhile.
fn hand_over(context: &DaemonContext, pidfile: &PidFile) -> Result<bool> {
    let Some(successor) = successor::get() else { return Ok(false) };
    forward_pending_stops(context, &successor);
    if successor.has_stop() {
        return Ok(false);
    }
    let go = if successor.pidfile == context.handle.pidfile {
        successor.channel.send_with_fd(&Message::Go, pidfile.lock_fd()).map(|()| true)
    } else {
        // The successor has a pidfile of its own and would leave this one behind, so this daemon removes it.
        successor.channel.send(&Message::Go).map(|()| false)
    };
    go.map_err(|_| Error::new(ErrorKind::Unsupported, "failed to restart: the new process has ended meanwhile"))
}

/// Forwards stops that the signal thread has not handled: it may be the thread that hands over, or may be behind.
fn forward_pending_stops(context: &DaemonContext, successor: &Successor) {
    for (signal, purposes) in context.signals.take() {
        let is_request = purposes.contains(Purpose::Unmarked) || purposes.contains(Purpose::Stop);
        if is_request && context.stops.contains(&signal) {
            successor.stop();
        }
    }
}
