//! The predecessor's side: starts the new program, and stops this daemon for it.

use super::candidate::{Candidate, IS_STOPPING};
use super::refused::refused;
use super::successor;
use crate::context::current;
use crate::error::Result;
use crate::mutex::lock;
use crate::stop_flag::{SleepGuard, is_stop_pending};
use std::sync::Mutex;

/// Starts this program again, as it was started, and stops this daemon when the new process is ready to take over.
///
/// The program is started by the path by which it was called, so that a symbolic link to another release is followed. The
/// new process validates its settings and waits for this daemon's end. Blocks until then, at most for the
/// [`start_timeout`](crate::Daemon::start_timeout): call it from async code with `tokio::task::spawn_blocking`. A stop during
/// a restart stops both processes. Returns at once if a restart was accepted before.
///
/// # Errors
/// Returns an error, and the daemon continues, in these cases:
///
/// * This process is not a daemon, or it is stopping.
/// * It has changed its user or root directory, so that its program could not be started as it was.
/// * An [attachment](crate::attach::Attachment::check_restart) refuses the restart.
/// * The new process cannot be started, ends or reports an error, or is not ready within the start timeout.
pub fn restart() -> Result<()> {
    static ATTEMPT: Mutex<()> = Mutex::new(());
    let context = current().ok_or_else(|| refused("this process is not a daemon"))?;
    // One attempt at a time: a second caller waits, and shares the outcome of a success.
    let _attempt = lock(&ATTEMPT);
    if successor::exists() {
        return Ok(());
    }
    if let Some(obstacle) = context.restart_obstacle {
        return Err(refused(obstacle));
    }
    if is_stop_pending() {
        return Err(refused(IS_STOPPING));
    }
    // To a watchdog, a body that waits here does not hang.
    let _asleep = SleepGuard::new();
    // Before anything is started or stopped.
    context.check_restart().map_err(refused)?;
    let mut candidate = Candidate::start(context)?;
    let outcome = candidate.wait(context.start_timeout).and_then(|pidfile| candidate.accept(context, pidfile));
    outcome.map_err(|why| {
        candidate.end();
        refused(why)
    })
}
