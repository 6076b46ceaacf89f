//! The thread that runs the user's handlers, one after another. It is spawned for the first one, and stays: a spawn takes longer
//! than most handlers do.

use super::handler::SharedHandler;
use super::{HandledSignals, Signals, reload_failures};
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

/// The queue of handlers to be run, and the thread that runs them.
pub(crate) struct HandlerThread {
    state: Mutex<HandlerQueue>,
    /// Notified when the thread becomes idle.
    done: Condvar,
    handled: Arc<HandledSignals>,
    signals: OnceLock<Signals>,
}

#[derive(Default)]
struct HandlerQueue {
    queue: VecDeque<HandlerCall>,
    has_thread: bool,
    /// The thread runs a handler, or is about to take one from the queue.
    busy: bool,
    /// A handler of a stop signal returned an error, panicked, or could not be run.
    failed: bool,
    /// The stop signal for which the user's handlers have run.
    shutdown: Option<Signal>,
    /// Written when the thread becomes idle.
    idle: Option<Arc<EventFd>>,
}

/// A handler to be called.
struct HandlerCall {
    signal: Signal,
    handler: SharedHandler,
    /// The signal stops the daemon, which fails if the handler does.
    is_shutdown: bool,
}

impl HandlerThread {
    /// Returns a queue without a thread.
    pub(crate) fn new(handled: Arc<HandledSignals>) -> HandlerThread {
        HandlerThread { state: Mutex::default(), done: Condvar::new(), handled, signals: OnceLock::new() }
    }

    /// Sets the handlers, once, before the signal thread starts.
    pub(crate) fn set(&self, signals: Signals) {
        let _ = self.signals.set(signals);
    }

    /// Queues the handlers of one signal, and spawns the thread if there is none. `is_shutdown` is `true` if the signal stops the
    /// daemon: see [`have_failed`](HandlerThread::have_failed).
    pub(crate) fn run(self: &Arc<Self>, signal: Signal, is_shutdown: bool) {
        let mut state = self.lock();
        if !self.queue(&mut state, signal, is_shutdown) {
            return;
        }
        if let Err(error) = self.wake_or_spawn(&mut state) {
            // A failure only if the user has handlers: those of the library alone notify attachments, which the end does as well.
            state.failed |= is_shutdown && state.shutdown == Some(signal);
            drop(state);
            report_no_thread(signal, &error);
        }
    }

    /// Queues the handlers of the direct signals that arrived while the thread was busy or not spawned yet. Called by the signal
    /// thread.
    pub(crate) fn run_direct(self: &Arc<Self>) {
        let mut state = self.lock();
        let mut signals = Vec::new();
        for signal in self.handled.take_direct() {
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

    /// Queues the handlers of one signal. Returns `false` if it has none.
    fn queue(&self, state: &mut HandlerQueue, signal: Signal, is_shutdown: bool) -> bool {
        let handlers = self.signals.get().map_or(&[][..], |signals| signals.handlers(signal));
        let calls = handlers.iter().map(|handler| HandlerCall { signal, handler: Arc::clone(handler), is_shutdown });
        state.queue.extend(calls);
        !handlers.is_empty()
    }

    /// Wakes the thread, or spawns it. An error empties the queue.
    fn wake_or_spawn(self: &Arc<Self>, state: &mut HandlerQueue) -> io::Result<()> {
        if state.has_thread {
            // A busy thread checks the queue after each handler.
            if !state.busy {
                self.handled.wakeup().wake();
            }
            return Ok(());
        }
        let this = Arc::clone(self);
        spawn("daemon-handlers", move || this.run_queue()).inspect_err(|_| state.queue.clear())?;
        (state.has_thread, state.busy) = (true, true);
        Ok(())
    }

    /// Returns `true` if a handler of a stop signal returned an error, panicked or could not be run: the exit status is not 0.
    pub(crate) fn have_failed(&self) -> bool {
        self.lock().failed
    }

    /// Records that a part of the shutdown has failed.
    pub(crate) fn set_failed(&self) {
        self.lock().failed = true;
    }

    /// Returns `true` in the handler thread.
    #[allow(clippy::unused_self)] // A process has one handler thread.
    pub(crate) fn is_this_thread(&self) -> bool {
        RUNS_HANDLERS.get()
    }

    /// Records that the user has handlers of this stop signal.
    pub(crate) fn set_shutdown(&self, signal: Signal) {
        self.lock().shutdown = Some(signal);
    }

    /// Returns the report about a body that was ended without having polled the stop flag; `None` if the user has no handlers of
    /// the stop signal: such a program does not expect to end in its own way.
    pub(crate) fn cancelled_body_report(&self) -> Option<String> {
        let signal = self.lock().shutdown?;
        Some(format!("never asked whether it is to stop, and was ended after the handlers of {signal}"))
    }

    /// Returns `true` if every queued handler has returned.
    pub(crate) fn is_idle(&self) -> bool {
        !self.is_busy(&self.lock())
    }

    /// Waits until every queued handler has returned, or until `deadline`. Returns at once if a handler calls, which would wait
    /// for itself.
    pub(crate) fn wait_until_idle(&self, deadline: Instant) {
        if self.is_this_thread() {
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

    /// Returns a descriptor that becomes readable when the thread becomes idle; `None` if the process has no free descriptor.
    pub(crate) fn idle_event(&self) -> Option<IdleEvent> {
        let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).ok()?);
        self.lock().idle = Some(Arc::clone(&event));
        Some(IdleEvent(event))
    }

    fn run_queue(&self) {
        RUNS_HANDLERS.set(true);
        let (wakeup, process) = (self.handled.wakeup(), Pid::this());
        loop {
            // Read before the queue is checked: a wake-up from here on ends the wait below.
            let woken = wakeup.count();
            while let Some(HandlerCall { signal, handler, is_shutdown }) = self.next() {
                let ending = guarded(format_args!("a handler of {signal}"), || {
                    let mut handler = mutex::lock(&handler);
                    handler(signal)
                })
                .reported();
                if Pid::this() != process {
                    // The handler has called fork(2), and this is the child: no signal is handled in it.
                    exit_now(ending.exit_code());
                }
                if signal == Signal::SIGHUP {
                    reload_failures::note(&ending);
                }
                if is_shutdown && ending.exit_code() != 0 {
                    self.set_failed();
                }
            }
            wakeup.wait(woken);
        }
    }

    /// Takes the next handler. If there is none, marks the thread as idle under the same lock.
    fn next(&self) -> Option<HandlerCall> {
        let mut state = self.lock();
        for signal in self.handled.take_direct() {
            self.queue(&mut state, signal, false);
        }
        let next = state.queue.pop_front();
        state.busy = next.is_some();
        // From here on a direct signal wakes this thread. One that arrives just before goes to the signal thread, which queues it and
        // wakes this thread as well.
        self.handled.wakeup().set_idle(!state.busy);
        if next.is_none() {
            self.done.notify_all();
            if let Some(idle) = &state.idle {
                let _ = idle.write(1);
            }
        }
        next
    }

    /// Returns `true` if a handler runs or is queued.
    fn is_busy(&self, state: &HandlerQueue) -> bool {
        state.busy || !state.queue.is_empty() || self.handled.has_direct()
    }

    fn lock(&self) -> MutexGuard<'_, HandlerQueue> {
        mutex::lock(&self.state)
    }
}

fn report_no_thread(signal: Signal, error: &io::Error) {
    report::error(&format!("failed to run the handlers of {signal}: no thread: {error}"));
}

/// The descriptor of [`HandlerThread::idle_event`].
pub(crate) struct IdleEvent(Arc<EventFd>);

impl AsFd for IdleEvent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
