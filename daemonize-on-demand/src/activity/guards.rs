//! Guards that count as activity while they exist.

use super::state::{ACTIVITY, Activity};
use daemonize_sys::mutex::lock;
use std::fmt;

/// Keeps the daemon from exiting as idle until the guard is dropped: see [`busy()`].
#[must_use = "the daemon may exit as soon as the guard is dropped"]
pub struct Busy(());

/// Returns a guard that keeps the daemon from exiting as idle: for work that goes on after its client has left.
///
/// It does not keep the daemon from a stop. Outside of a daemon on demand it has no effect.
///
/// ```
/// let busy = daemon::on_demand::busy();
/// std::thread::spawn(move || {
///     // Writes the cache to the disk.
///     drop(busy);
/// });
/// ```
pub fn busy() -> Busy {
    begin(|activity| &mut activity.busy);
    Busy(())
}

impl Drop for Busy {
    fn drop(&mut self) {
        end(|activity| &mut activity.busy);
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Busy")
    }
}

/// Counts a client from its admission until its connection is closed.
#[derive(Debug)]
pub(crate) struct ClientToken(());

impl ClientToken {
    pub(crate) fn new() -> ClientToken {
        begin(|activity| &mut activity.clients);
        lock(&ACTIVITY).note_client();
        ClientToken(())
    }
}

impl Drop for ClientToken {
    fn drop(&mut self) {
        end(|activity| &mut activity.clients);
    }
}

fn begin(count: impl FnOnce(&mut Activity) -> &mut u64) {
    let mut activity = lock(&ACTIVITY);
    *count(&mut activity) += 1;
    activity.touch();
}

fn end(count: impl FnOnce(&mut Activity) -> &mut u64) {
    let mut activity = lock(&ACTIVITY);
    let count = count(&mut activity);
    *count = count.saturating_sub(1);
    activity.touch();
    if !activity.is_active() {
        activity.set_timer();
    }
}
