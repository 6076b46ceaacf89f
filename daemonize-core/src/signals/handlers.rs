//! The thread that runs the user's handlers, one after another; it exists only while there is something to run.

use super::SharedHandler;
use crate::body::guarded;
use crate::mutex;
use crate::report;
use crate::signal::Signal;
use crate::thread::spawn;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::cell::Cell;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

thread_local! {
    static RUNS_HANDLERS: Cell<bool> = const { Cell::new(false) };
}

/// What waits to be run, and whether somebody is at it.
#[derive(Default)]
pub(crate) struct Handlers(Mutex<State>, Condvar);

#[derive(Default)]
struct State {
    queue: VecDeque<Call>,
    busy: bool,
    /// A handler of a stop signal returned an error, panicked, or could not be run.
    failed: bool,
    /// The stop signal for which the user's handlers have run.
    shutdown: Option<Signal>,
    idle: Option<Arc<EventFd>>,
}

/// A handler to be called.
struct Call {
    signal: Signal,
    handler: SharedHandler,
    /// The signal stops the daemon, which fails if the handler does.
    is_shutdown: bool,
}

impl Handlers {
    /// Queues the handlers of one signal, and makes the thread unless it is there. `is_shutdown` if the signal stops the
    /// daemon: see [`have_failed`](Handlers::have_failed).
    pub(crate) fn run(self: &Arc<Self>, signal: Signal, handlers: &[SharedHandler], is_shutdown: bool) {
        let mut state = self.lock();
        state.queue.extend(handlers.iter().map(|handler| Call { signal, handler: Arc::clone(handler), is_shutdown }));
        if state.queue.is_empty() || state.busy {
            return;
        }
        let this = Arc::clone(self);
        match spawn("daemon-handlers", move || this.work()) {
            Ok(_) => state.busy = true,
            Err(error) => {
                state.queue.clear();
                // Attachments hear of the stop at the end as well.
                state.failed |= is_shutdown && state.shutdown == Some(signal);
                drop(state);
                report::error(&format!("failed to run the handlers of {signal}: no thread: {error}"));
            }
        }
    }

    /// Returns `true` if a handler of a stop signal returned an error, panicked or could not be run: the exit status is not 0.
    pub(crate) fn have_failed(&self) -> bool {
        self.lock().failed
    }

    /// Records that something that is part of the shutdown has failed.
    pub(crate) fn set_failed(&self) {
        self.lock().failed = true;
    }

    /// Records that the user's handlers are the answer to this stop signal.
    pub(crate) fn set_shutdown(&self, signal: Signal) {
        self.lock().shutdown = Some(signal);
    }

    /// Returns what to report of a body that was ended without knowing of the stop. Without handlers of the user nothing
    /// is: the program makes no claim to end in its own way.
    pub(crate) fn report_of_cut_off_body(&self) -> Option<String> {
        let signal = self.lock().shutdown?;
        Some(format!("never asked whether it is to stop, and was ended after the handlers of {signal}"))
    }

    /// Whether every handler has been run to its end.
    pub(crate) fn is_idle(&self) -> bool {
        !self.lock().busy
    }

    /// Waits until every handler has been run, or until `deadline`. Returns at once in a handler, which would wait for itself.
    pub(crate) fn wait_until_idle(&self, deadline: Instant) {
        if RUNS_HANDLERS.get() {
            return;
        }
        let mut state = self.lock();
        while state.busy {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = mutex::wait_timeout(&self.1, state, left);
        }
    }

    /// A descriptor that becomes readable when the last handler is done.
    pub(crate) fn idle_event(&self) -> Option<IdleEvent> {
        let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).ok()?);
        self.lock().idle = Some(Arc::clone(&event));
        Some(IdleEvent(event))
    }

    fn work(&self) {
        RUNS_HANDLERS.set(true);
        while let Some(Call { signal, handler, is_shutdown }) = self.next() {
            let ending = guarded(&format!("a handler of {signal}"), || {
                let mut handler = mutex::lock(&handler);
                handler(signal)
            })
            .reported();
            if is_shutdown && ending.exit_code() != 0 {
                self.set_failed();
            }
        }
    }

    /// The next handler; without one the thread is over, and says so under the same lock.
    fn next(&self) -> Option<Call> {
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
