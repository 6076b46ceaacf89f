//! Runs each blocking call on a thread of its own, so that no call waits for another.
//!
//! tokio's `spawn_blocking` would queue calls beyond the size of its pool, and panics if no thread can be created.

use std::io;
use std::thread::Builder;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Runs `work` on a new thread, within the caller's runtime. The receiver yields the value that `work` returns, or an error if
/// it panicked. `work` continues if the receiver is dropped.
///
/// # Errors
/// The thread cannot be created.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let runtime = Handle::current();
    let (sender, receiver) = oneshot::channel();
    Builder::new().name(name.to_owned()).spawn(move || {
        let _runtime = runtime.enter();
        let _ = sender.send(work());
    })?;
    Ok(receiver)
}
