//! The guard of the running instance.

use super::shutdown::StopRequest;
use crate::client::Client;
use crate::events::{Event, HandlerOutput, Handlers};
use daemonize_core::attach::ProcessControl;
use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// A guard of the running instance. This process is the instance until the guard is dropped.
///
/// The instance also ends on a request to stop and on SIGTERM, SIGINT or SIGHUP. After a signal, the process is killed by it as
/// it would have been without an instance, unless it had its own handler for the signal before the start, or is in
/// [`wait`](Running::wait). After the end of the instance, these signals have their previous effect again.
#[must_use = "the instance ends when this is dropped"]
pub struct Running {
    pub(super) client: Client,
    pub(super) address: String,
    pub(super) handlers: Handlers,
    pub(super) stop: Arc<StopRequest>,
    pub(super) shutdown_thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Sets the handler of events of this name, and replaces an earlier one.
    pub fn on<Kind, R>(&self, event: impl Into<String>, handler: impl Fn(Event) -> R + Send + Sync + 'static)
    where
        R: HandlerOutput<Kind> + 'static,
    {
        self.handlers.on(event.into(), handler);
    }

    /// Removes the handler of events of this name. Returns `false` if there was none. A handler that is running finishes.
    pub fn remove_handler(&self, event: &str) -> bool {
        self.handlers.remove(event)
    }

    /// Returns the URL of the first address of the instance.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns a client of this instance, for other threads and for tests. Its calls block: do not use it in an `async` handler.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns `true` if the instance is ending or has ended.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_stopping()
    }

    /// Waits until the instance has ended after a request or a signal.
    ///
    /// # Panics
    /// If [`on_stop`](crate::Instance::on_stop) panicked, so that a program whose shutdown failed does not exit with status 0.
    pub fn wait(&self) {
        self.stop.wait();
    }

    /// Ends the instance. Returns when `on_stop` has run, the endpoint is closed, and the lock is released.
    ///
    /// # Panics
    /// As [`wait`](Running::wait). Dropping the guard does not panic.
    pub fn stop(self) {
        let stop = Arc::clone(&self.stop);
        drop(self);
        stop.resume_panic();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(shutdown_thread) = self.shutdown_thread.take() {
            // Dropped by `on_stop`, which runs on the shutdown thread: a thread cannot join itself.
            if shutdown_thread.thread().id() != thread::current().id() {
                let _ = shutdown_thread.join();
            }
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}
