//! User code that runs once, at the start or at the end of an instance.

use daemonize_sys::mutex::lock;
use std::sync::Mutex;

/// A function that runs once.
pub(super) type HookFn = Box<dyn FnOnce() + Send>;

/// A function that has not run yet, if one is set.
#[derive(Default)]
pub(super) struct Hook(Mutex<Option<HookFn>>);

impl Hook {
    pub(super) fn set(&self, work: impl FnOnce() + Send + 'static) {
        *lock(&self.0) = Some(Box::new(work));
    }

    pub(super) fn take(&self) -> Option<HookFn> {
        lock(&self.0).take()
    }

    /// Runs the function unless it has run.
    pub(super) fn run(&self) {
        // Taken first: the lock must not be held while user code runs.
        let work = self.take();
        if let Some(work) = work {
            work();
        }
    }
}
