//! Work that may block: each has a thread of its own, so that none waits for another.
//!
//! The runtime's pool is not used for it: work beyond its size would wait there, and it panics where no thread can be had.

use std::io;
use std::thread::Builder;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Runs `work` on a thread of its own, in which the caller's runtime can be used. What it returns comes through the receiver,
/// or an error if it panicked; it goes on when the receiver is dropped.
///
/// # Errors
/// No thread can be had.
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
