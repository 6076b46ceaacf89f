//! The thread that runs the user's handlers, one after another; it exists only while there is something to run.

use super::SharedHandler;
use crate::body::guarded;
use crate::mutex;
use crate::report;
use crate::signal::Signal;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// What waits to be run, and whether somebody is at it.
#[derive(Default)]
pub(crate) struct Handlers(Mutex<State>, Condvar);

#[derive(Default)]
struct State {
    queue: VecDeque<(Signal, SharedHandler)>,
    busy: bool,
    idle: Option<Arc<EventFd>>,
}

impl Handlers {
    /// Queues the handlers of one signal, and makes the thread unless it is there.
    pub(crate) fn run(self: &Arc<Self>, signal: Signal, handlers: &[SharedHandler]) {
        let mut state = self.lock();
        state.queue.extend(handlers.iter().map(|handler| (signal, Arc::clone(handler))));
        if state.queue.is_empty() || state.busy {
            return;
        }
        let this = Arc::clone(self);
        match thread::Builder::new().name("daemon-handlers".into()).spawn(move || this.work()) {
            Ok(_) => state.busy = true,
            Err(error) => {
                state.queue.clear();
                drop(state);
                report::error(&format!("failed to run the handlers of {signal}: no thread: {error}"));
            }
        }
    }

    /// Whether every handler has been run to its end.
    pub(crate) fn is_idle(&self) -> bool {
        !self.lock().busy
    }

    /// Waits until every handler has been run, or until `deadline`.
    pub(crate) fn wait_until_idle(&self, deadline: Instant) {
        let mut state = self.lock();
        while state.busy {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A descriptor that becomes readable when the last handler is done.
    pub(crate) fn idle_event(&self) -> Option<IdleEvent> {
        let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).ok()?);
        self.lock().idle = Some(Arc::clone(&event));
        Some(IdleEvent(event))
    }

    fn work(&self) {
        while let Some((signal, handler)) = self.next() {
            guarded(&format!("a handler of {signal}"), || {
                let mut handler = mutex::lock(&handler);
                handler(signal)
            })
            .reported();
        }
    }

    /// The next handler; without one the thread is over, and says so under the same lock.
    fn next(&self) -> Option<(Signal, SharedHandler)> {
        let mut state = self.lock();
        let next = state.queue.pop_front();
        if next.is_none() {
            state.busy = false;
            self.1.notify_all();
            if let Some(idle) = &state.idle {
                let _ = idle.write(1);
            }
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        mutex::lock(&self.0)
    }
}

/// See [`Handlers::idle_event`].
pub(crate) struct IdleEvent(Arc<EventFd>);

impl AsFd for IdleEvent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
