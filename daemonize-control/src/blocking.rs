//! Work that may block, each on a thread of its own, so that none waits for another.
//!
//! The runtime's pool is not used for it: work beyond its size would wait there, and it panics where no thread can be had.

use std::io;
use std::thread::Builder;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Runs `work` on a new thread, in which the caller's runtime can be used. The receiver returns what `work` returned, or an error
/// if it panicked. `work` goes on when the receiver is dropped.
///
/// # Errors
/// The system refuses another thread.
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
