//! Waits of a body that are not a sleep: for a client, or for a queue.

use crate::stop_flag::SleepGuard;

/// Runs `wait`, in which the body waits for work, and returns its result.
///
/// A body under a watchdog of a service manager (`WatchdogSec=`) is expected to call [`stopping`](crate::stopping) again and again.
/// While it runs `wait` it is not.
///
/// ```
/// use std::sync::mpsc::channel;
///
/// let (sender, receiver) = channel();
/// sender.send(7)?;
/// assert_eq!(daemon::body::while_waiting(|| receiver.recv()), Ok(7));
/// # Ok::<(), std::sync::mpsc::SendError<i32>>(())
/// ```
pub fn while_waiting<T>(wait: impl FnOnce() -> T) -> T {
    let _asleep = SleepGuard::new();
    wait()
}
