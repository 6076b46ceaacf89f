//! The thread that runs the user's handlers, one after another. It is made when the first one is to run, and stays: to make a
//! thread takes longer than most handlers do.

use super::{Registered, SharedHandler, Signals};
use crate::body::guarded;
use crate::mutex;
use crate::pid::Pid;
use crate::report;
use crate::signal::Signal;
use crate::sys::fork::exit_now;
use crate::thread::spawn;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

thread_local! {
    static RUNS_HANDLERS: Cell<bool> = const { Cell::new(false) };
}

/// The handlers that wait to be run, and the thread that runs them.
pub(crate) struct Handlers {
    state: Mutex<State>,
    /// The thread is idle.
    done: Condvar,
    registered: Arc<Registered>,
    signals: OnceLock<Signals>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Call>,
    has_thread: bool,
    /// The thread runs a handler, or is about to look for one.
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
    pub(crate) fn new(registered: Arc<Registered>) -> Handlers {
        Handlers { state: Mutex::default(), done: Condvar::new(), registered, signals: OnceLock::new() }
    }

    /// Sets the handlers, once, before a signal is treated.
    pub(crate) fn set(&self, signals: Signals) {
        let _ = self.signals.set(signals);
    }

    /// Queues the handlers of one signal, and makes the thread unless it is there. `is_shutdown` if the signal stops the
    /// daemon: see [`have_failed`](Handlers::have_failed).
    pub(crate) fn run(self: &Arc<Self>, signal: Signal, is_shutdown: bool) {
        let mut state = self.lock();
        if !self.queue(&mut state, signal, is_shutdown) {
            return;
        }
        if let Err(error) = self.wake_or_spawn(&mut state) {
            // Attachments hear of the stop at the end as well.
            state.failed |= is_shutdown && state.shutdown == Some(signal);
            drop(state);
            report_no_thread(signal, &error);
        }
    }

    /// Queues the handlers of the direct signals that have come while the thread was busy, or not there yet. For the signal
    /// thread.
    pub(crate) fn run_direct(self: &Arc<Self>) {
        let mut state = self.lock();
        let mut signals = Vec::new();
        for signal in self.registered.take_direct() {
            if self.queue(&mut state, signal, false) {
                signals.push(signal);
            }
        }
        if signals.is_empty() {
            return;
        }
        if let Err(error) = self.wake_or_spawn(&mut state) {
            self.done.notify_all();
            drop(state);
            for signal in signals {
                report_no_thread(signal, &error);
            }
        }
    }

    /// Returns `false` if the signal has no handlers.
    fn queue(&self, state: &mut State, signal: Signal, is_shutdown: bool) -> bool {
        let handlers = self.signals.get().map_or(&[][..], |signals| signals.handlers(signal));
        let calls = handlers.iter().map(|handler| Call { signal, handler: Arc::clone(handler), is_shutdown });
        state.queue.extend(calls);
        !handlers.is_empty()
    }

    /// Sees to what was queued. An error empties the queue.
    fn wake_or_spawn(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        if state.has_thread {
            // A thread that is busy looks at the queue by itself.
            if !state.busy {
                self.registered.wakeup().wake();
            }
            return Ok(());
        }
        let this = Arc::clone(self);
        spawn("daemon-handlers", move || this.work()).inspect_err(|_| state.queue.clear())?;
        (state.has_thread, state.busy) = (true, true);
        Ok(())
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
        !self.is_busy(&self.lock())
    }

    /// Waits until every handler has been run, or until `deadline`. Returns at once in a handler, which would wait for itself.
    pub(crate) fn wait_until_idle(&self, deadline: Instant) {
        if RUNS_HANDLERS.get() {
            return;
        }
        let mut state = self.lock();
        while self.is_busy(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = mutex::wait_timeout(&self.done, state, left);
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
        let (wakeup, process) = (self.registered.wakeup(), Pid::this());
        loop {
            // Before it looks for work: what comes from here on ends the wait below.
            let woken = wakeup.count();
            while let Some(Call { signal, handler, is_shutdown }) = self.next() {
                let ending = guarded(format_args!("a handler of {signal}"), || {
                    let mut handler = mutex::lock(&handler);
                    handler(signal)
                })
                .reported();
                if Pid::this() != process {
                    // The handler forked, and the child has come back from it: no signal is treated there.
                    exit_now(ending.exit_code());
                }
                if is_shutdown && ending.exit_code() != 0 {
                    self.set_failed();
                }
            }
            wakeup.wait(woken);
        }
    }

    /// Returns the next handler; without one says under the same lock that the thread is idle.
    fn next(&self) -> Option<Call> {
        let mut state = self.lock();
        for signal in self.registered.take_direct() {
            self.queue(&mut state, signal, false);
        }
        let next = state.queue.pop_front();
        state.busy = next.is_some();
        // From here on a signal wakes this thread. One that comes just before is queued by the signal thread, and wakes it too.
        self.registered.wakeup().set_idle(!state.busy);
        if next.is_none() {
            self.done.notify_all();
            if let Some(idle) = &state.idle {
                let _ = idle.write(1);
            }
        }
        next
    }

    /// Returns `true` if a handler runs or is to run.
    fn is_busy(&self, state: &State) -> bool {
        state.busy || !state.queue.is_empty() || self.registered.has_direct()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        mutex::lock(&self.state)
    }
}

fn report_no_thread(signal: Signal, error: &io::Error) {
    report::error(&format!("failed to run the handlers of {signal}: no thread: {error}"));
}

/// See [`Handlers::idle_event`].
pub(crate) struct IdleEvent(Arc<EventFd>);

impl AsFd for IdleEvent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
