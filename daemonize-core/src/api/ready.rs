//! Readiness as the body announces it: `ready`, and `extend_start` for more time until then.

use crate::context::{announce_ready, current};
use crate::error::Result;
use crate::mutex::lock;
use std::time::Duration;

/// Announces that the body works: the launcher reports a successful start, and stdout and stderr are redirected.
///
/// With `ready = manual` the launcher waits for this call, for at most the `start_timeout`; until then stdout and stderr reach
/// the launcher (and the log). With `ready = auto` the call announces readiness before the first poll of the stop flag or the
/// 100 ms do. With `ready = entered`, outside of a daemon and the second time, it does nothing.
///
/// # Errors
/// A stop was requested while the daemon was starting. The body should return.
pub fn ready() -> Result<()> {
    let Some(context) = current().filter(|context| context.is_this_process()) else { return Ok(()) };
    announce_ready(context)?;
    context.notify_ready();
    Ok(())
}

/// Extends the start: the launcher waits for at least `time` from now on. For a body with `ready = manual` that makes progress.
///
/// The launcher then waits longer than the `start_timeout`, but for at most an hour in all. A service manager or a monitor with
/// `ready = "notify"` is asked as well (`EXTEND_TIMEOUT_USEC=` of `sd_notify(3)`). May be called repeatedly. Never shortens the
/// wait, and never blocks. Does nothing once the daemon is ready, and outside of a daemon.
///
/// ```
/// # use std::time::Duration;
/// # fn replay(table: &str) -> usize { table.len() }
/// for table in ["users", "orders"] {
///     daemon::extend_start(Duration::from_secs(60));
///     replay(table);
/// }
/// ```
pub fn extend_start(time: Duration) {
    let Some(context) = current() else { return };
    if !context.is_this_process() || lock(&context.phase).is_some() {
        return;
    }
    if let Some(announcement) = &*lock(&context.pending) {
        announcement.extend(time);
    }
    if let Some(notifier) = &context.notifier {
        notifier.extend_timeout(time);
    }
}
