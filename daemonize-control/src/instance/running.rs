//! The first instance, seen from inside.

use super::caretaker::Asked;
use crate::client::Client;
use crate::events::{Answer, Event, Handlers};
use daemonize_core::attach::ProcessControl;
use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// This process is the first instance for as long as this exists: dropped, the instance ends.
///
/// It also ends on a request to stop and on SIGTERM, SIGINT or SIGHUP. After a signal the process dies of it as it would have
/// without an instance, unless it handled that signal itself before the start, or is in [`wait`](Running::wait). When the
/// instance is gone, these signals do what they did before it.
#[must_use = "the instance ends when this is dropped"]
pub struct Running {
    pub(super) client: Client,
    pub(super) address: String,
    pub(super) handlers: Handlers,
    pub(super) asked: Arc<Asked>,
    pub(super) caretaker: Option<JoinHandle<()>>,
}

impl Running {
    /// From now on this handles events of that name, instead of what did before.
    pub fn on<H, R>(&self, event: impl Into<String>, handler: impl Fn(Event) -> R + Send + Sync + 'static)
    where
        R: Answer<H> + 'static,
    {
        self.handlers.on(event.into(), handler);
    }

    /// From now on nobody handles events of that name; whether somebody did. An event that is being handled is brought to its
    /// end.
    pub fn remove_handler(&self, event: &str) -> bool {
        self.handlers.remove(event)
    }

    /// Where other programs reach it: a URL.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A client of this very instance: for other threads and for tests. An event handler that waits for another
    /// event of its own instance has to be one that may wait.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it is to end, or has.
    pub fn is_stopping(&self) -> bool {
        self.asked.is_stopping()
    }

    /// Waits until the instance has ended: on a request, or by a signal.
    ///
    /// # Panics
    /// If [`on_stop`](crate::Instance::on_stop) panicked: a program whose shutdown has failed does not exit with status 0.
    pub fn wait(&self) {
        self.asked.wait();
    }

    /// Ends the instance and returns when it has: `on_stop` has run, the endpoint is gone, the lock is free.
    ///
    /// # Panics
    /// As [`wait`](Running::wait). (A guard that is dropped does not panic.)
    pub fn stop(self) {
        let asked = Arc::clone(&self.asked);
        drop(self);
        asked.resume_panic();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.asked.stop();
        let caretaker = self.caretaker.take().filter(|thread| thread.thread().id() != thread::current().id());
        if let Some(caretaker) = caretaker {
            let _ = caretaker.join();
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}
