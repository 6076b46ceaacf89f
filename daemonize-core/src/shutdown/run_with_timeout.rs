//! Runs code that may hang on a thread of its own, and waits for it no longer than a timeout.

use crate::mutex::lock;
use crate::thread::spawn;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A call on a thread of its own.
pub(crate) struct BackgroundCall {
    /// `None` if no thread could be spawned.
    done: Option<Arc<(Mutex<bool>, Condvar)>>,
}

impl BackgroundCall {
    pub(super) fn spawn(f: Box<dyn FnOnce() + Send>) -> BackgroundCall {
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let signal = Arc::clone(&done);
        let thread = spawn("daemon-end", move || {
            f();
            *lock(&signal.0) = true;
            signal.1.notify_one();
        });
        BackgroundCall { done: thread.is_ok().then_some(done) }
    }

    /// Returns `false` if no thread could be spawned.
    pub(super) fn is_started(&self) -> bool {
        self.done.is_some()
    }

    /// Waits until the call has returned, or until `deadline`.
    pub(super) fn wait_until(&self, deadline: Instant) {
        if let Some(done) = &self.done {
            let left = deadline.saturating_duration_since(Instant::now());
            let _ = done.1.wait_timeout_while(lock(&done.0), left, |done| !*done);
        }
    }
}

/// Runs `f`, which may hang, on a thread of its own, and waits for it no longer than `timeout`. Does nothing if no thread can be
/// spawned.
pub(crate) fn run_with_timeout(timeout: Duration, f: impl FnOnce() + Send + 'static) {
    BackgroundCall::spawn(Box::new(f)).wait_until(Instant::now() + timeout);
}
