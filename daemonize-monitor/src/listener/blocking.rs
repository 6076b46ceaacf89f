//! Blocking work, on a thread of its own.

use std::io;
use std::thread::Builder;
use tokio::sync::oneshot;

/// Runs `work` on a new thread and returns what it returned. Unlike `tokio::task::spawn_blocking`, it does not panic where the
/// system has no thread left, as when the bots have used up a limit of processes.
///
/// # Errors
/// There is no thread, or the work panicked.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (sender, receiver) = oneshot::channel();
    Builder::new().name("blocking".into()).spawn(move || drop(sender.send(work())))?;
    receiver.await.map_err(|_| io::Error::other("it panicked"))
}
