//! The signal thread: waits for signals, requests the stop, has the user's handlers run, and ends the daemon in time.

use super::HandledSignals;
use super::handler_thread::HandlerThread;
use super::thread_names::{RELOADING_THREAD_NAME, SIGHUP_STOPS_THREAD_NAME, SIGNAL_THREAD_NAME, STOPPING_THREAD_NAME};
use crate::mutex::lock;
use crate::signal::Signal;
use crate::stop_flag;
use crate::sys::siginfo::Purpose;
use crate::sys::signal_flag::Purposes;
use crate::sys::signal_handler;
use crate::sys::thread::spawn;
use nix::poll::{PollFd, PollFlags};
use nix::sys::prctl::set_name;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The reason for which the signal thread ends the process, if the body does not return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForcedEnd {
    /// The body never polled the stop flag, and every handler is done.
    BodyIgnoresStop,
    /// The body or a handler was not done when the grace had elapsed.
    GraceExpired,
    /// The stop was requested again, by hand or by a monitor, while the body or a handler was not done.
    SecondStop,
}

/// Stop signals that are sent by hand within this time count as one: a key that is held down, a terminal that closes.
const REPEAT_INTERVAL: Duration = Duration::from_millis(500);

/// How long a program's own handler may take after it has called the daemon's.
const PROGRAM_HANDLER_TIME: Duration = Duration::from_millis(20);

/// How long the signal thread waits for idle handlers, if there is no descriptor for an event.
const IDLE_RECHECK_INTERVAL: Duration = Duration::from_millis(10);

/// How long, and how often, a failed spawn of the signal thread is retried.
const SPAWN_TIMEOUT: Duration = Duration::from_secs(10);
const SPAWN_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// The signal thread, with the actions that the launch gives it.
pub(crate) struct SignalThread {
    pub(crate) signals: Arc<HandledSignals>,
    pub(crate) handlers: Arc<HandlerThread>,
    pub(crate) stops: Vec<Signal>,
    /// The stop signals that have handlers of the user.
    pub(crate) with_handlers: Vec<Signal>,
    pub(crate) grace: Duration,
    /// `true` if each reload is reported to the process that requests it.
    pub(crate) reports_reloads: bool,
    /// Runs at every request to stop, but not at the stop that belongs to a restart.
    pub(crate) on_stop: Box<dyn Fn() + Send>,
    /// Ends the process.
    pub(crate) on_end: Box<dyn Fn(ForcedEnd) + Send>,
    /// `None` once the outcome of the start is known.
    pub(crate) readiness: Option<ReadinessWatch>,
    /// `None` once the process has ended, and if the daemon ends with no process.
    pub(crate) parent: Option<ParentWatch>,
}

/// The process with whose end the daemon stops.
pub(crate) struct ParentWatch {
    /// Readable when the process has ended (`pidfd_open(2)`).
    pub(crate) process: BorrowedFd<'static>,
    /// Sends this process a stop signal.
    pub(crate) on_end: fn(),
}

/// The events that decide about the start while the body runs and the daemon is not known to be ready.
pub(crate) struct ReadinessWatch {
    /// The socket to the launcher, whose hang-up aborts the start.
    pub(crate) socket: Option<OwnedFd>,
    /// When the daemon is ready without a poll of the stop flag.
    pub(crate) due: Option<Instant>,
    /// Ends the process, or returns if the start has succeeded.
    pub(crate) on_hangup: Box<dyn Fn() + Send>,
    /// Makes the daemon ready, or returns when to try again.
    pub(crate) on_due: Box<dyn Fn() -> Option<Instant> + Send>,
}

/// A stop that has begun.
#[derive(Clone, Copy)]
struct StopInProgress {
    since: Instant,
    /// When the stop was first requested by hand. The signals of the verbs are marked, and never cut a stop short.
    by_hand: Option<Instant>,
}

/// A further request to stop.
#[derive(Clone, Copy, Default)]
struct RepeatedStop {
    by_hand: bool,
    /// `true` if a monitor repeats the stop because the daemon takes too long.
    hurries: bool,
}

impl SignalThread {
    /// Installs the handlers, unless that was done before, and starts the thread.
    ///
    /// A failed spawn is retried until [`SPAWN_TIMEOUT`], unless a stop signal arrives. Under a limit on processes
    /// (`RLIMIT_NPROC`) a slot is likely to become free soon: the launch has just used one more process than now.
    pub(crate) fn start(self) -> io::Result<()> {
        self.signals.install()?;
        let name = match () {
            () if self.stops.contains(&Signal::SIGHUP) => SIGHUP_STOPS_THREAD_NAME,
            () if self.reports_reloads && self.signals.handles(Signal::SIGHUP) => RELOADING_THREAD_NAME,
            () => SIGNAL_THREAD_NAME,
        };
        let (signals, stops) = (Arc::clone(&self.signals), self.stops.clone());
        let thread = Arc::new(Mutex::new(Some(self)));
        let deadline = Instant::now() + SPAWN_TIMEOUT;
        loop {
            let thread = Arc::clone(&thread);
            let run = move || {
                let thread = lock(&thread).take();
                if let Some(thread) = thread {
                    thread.run();
                }
            };
            match spawn(name, Box::new(run)) {
                Err(_) if Instant::now() < deadline && !signals.has_arrived(&stops) => {
                    thread::sleep(SPAWN_RETRY_INTERVAL);
                }
                outcome => return outcome,
            }
        }
    }

    fn run(mut self) {
        loop {
            self.wait();
            let stop = self.signals.while_handling(|| self.handle_signals());
            if let Some(stop) = stop {
                // After `while_handling`: a body that ends at once waits for its end, and would wait for its own wake-up.
                stop_flag::wake_waiters();
                return self.wait_for_exit(stop);
            }
        }
    }

    /// Waits for a signal, or for the end of the process with which the daemon ends. Until the outcome of the start is known, also
    /// waits for the events that decide about it.
    fn wait(&mut self) {
        let socket = self.readiness.as_ref().and_then(|readiness| readiness.socket.as_ref());
        // No events are requested: `poll(2)` reports POLLHUP regardless, and the answers on the socket are for another thread.
        let socket = socket.map(|socket| PollFd::new(socket.as_fd(), PollFlags::empty()));
        let parent = self.parent.as_ref().map(|parent| PollFd::new(parent.process, PollFlags::POLLIN));
        let due = self.readiness.as_ref().and_then(|readiness| readiness.due);
        let [has_hung_up, parent_has_ended] = self.signals.wait([socket, parent], due);
        if let Some(parent) = self.parent.take_if(|_| parent_has_ended) {
            (parent.on_end)();
        }
        let Some(readiness) = &mut self.readiness else { return };
        if has_hung_up {
            (readiness.on_hangup)();
            self.readiness = None;
        } else if readiness.due.is_some_and(|due| Instant::now() >= due) {
            readiness.due = (readiness.on_due)();
            if readiness.socket.is_none() && readiness.due.is_none() {
                self.readiness = None;
            }
        }
    }

    /// Acts on the signals that arrived. Returns the stop, if one of them is a stop signal.
    fn handle_signals(&self) -> Option<StopInProgress> {
        self.handlers.run_direct();
        let mut stop = None;
        for (signal, purposes) in self.signals.take() {
            // Before the stop is requested: a body that returns at once finds the handlers queued, and waits for them.
            self.run_handlers(signal);
            if self.stops.contains(&signal) {
                self.begin_stop(signal);
                let since = Instant::now();
                let stop = stop.get_or_insert(StopInProgress { since, by_hand: None });
                if self.is_requested_by_hand(purposes) && stop.by_hand.is_none() {
                    stop.by_hand = Some(since);
                }
            }
        }
        if stop.is_some() {
            // Refuses a restart from here on.
            stop_flag::claim_stop();
            // Last, since the body may return as soon as it polls this.
            stop_flag::set_stop_requested();
        }
        stop
    }

    /// Records the facts that must be known before the body can see the stop.
    fn begin_stop(&self, signal: Signal) {
        acknowledge();
        note_program_handler(signal);
        if self.with_handlers.contains(&signal) {
            self.handlers.set_shutdown(signal);
        }
    }

    fn run_handlers(&self, signal: Signal) {
        self.handlers.run(signal, self.stops.contains(&signal));
    }

    /// Reports a request to stop to the launch. Returns `true` if the request was made by hand.
    fn is_requested_by_hand(&self, purposes: Purposes) -> bool {
        let by_hand = purposes.contains(Purpose::Unmarked);
        if by_hand || purposes.contains(Purpose::Stop) || purposes.contains(Purpose::Hurry) {
            (self.on_stop)();
        }
        by_hand
    }

    /// Waits while the body ends the process by returning, and ends the process itself if the body does not.
    fn wait_for_exit(&self, mut stop: StopInProgress) {
        let deadline = stop.since + self.grace;
        loop {
            // A body that never polled the flag will not return: only the handlers are waited for.
            let ends_when_idle = !stop_flag::body_will_end();
            if ends_when_idle && self.handlers.is_idle() {
                return (self.on_end)(ForcedEnd::BodyIgnoresStop);
            }
            if Instant::now() >= deadline {
                return (self.on_end)(ForcedEnd::GraceExpired);
            }
            if ends_when_idle {
                self.wait_until_idle(deadline);
            } else {
                // The body is ending the process now: without an event for idle handlers, this thread does no work beside it.
                self.signals.wait([None, None], Some(deadline));
            }
            let repeated = self.take_repeated_stop();
            let now = Instant::now();
            // A second Ctrl-C ends the daemon, but not the repeated signal of a key that is held down.
            let is_second = repeated.by_hand && now.duration_since(*stop.by_hand.get_or_insert(now)) >= REPEAT_INTERVAL;
            if is_second || repeated.hurries {
                return (self.on_end)(ForcedEnd::SecondStop);
            }
        }
    }

    /// Waits until the handlers have run, a signal arrives, or `deadline`.
    fn wait_until_idle(&self, deadline: Instant) {
        let Some(idle) = self.handlers.idle_event() else {
            // The process has no free descriptor (EMFILE).
            let recheck = Instant::now() + IDLE_RECHECK_INTERVAL;
            self.signals.wait([None, None], Some(recheck.min(deadline)));
            return;
        };
        // The handlers may have become idle before the event existed.
        if !self.handlers.is_idle() {
            self.signals.wait([Some(PollFd::new(idle.as_fd(), PollFlags::POLLIN)), None], Some(deadline));
        }
    }

    /// Acts on the signals that arrive after the stop. Returns the requests to stop among them.
    fn take_repeated_stop(&self) -> RepeatedStop {
        self.handlers.run_direct();
        let mut repeated = RepeatedStop::default();
        for (signal, purposes) in self.signals.take() {
            if self.stops.contains(&signal) {
                repeated.by_hand |= self.is_requested_by_hand(purposes);
                repeated.hurries |= purposes.contains(Purpose::Hurry);
            } else {
                self.run_handlers(signal);
            }
        }
        repeated
    }
}

/// Renames this thread to [`STOPPING_THREAD_NAME`] (`PR_SET_NAME`): the process that sent the stop signal reads the name from
/// `/proc`, and knows that the daemon has received the signal.
fn acknowledge() {
    let _ = set_name(STOPPING_THREAD_NAME);
}

/// Has the body keep its grace if a handler of the program's own receives the signal, too.
fn note_program_handler(signal: Signal) {
    if signal_handler::is_shared(signal) {
        stop_flag::set_program_handles_stop();
        if !signal_handler::is_ours_in_force(signal) {
            // The program's handler has called the daemon's, and may do its own work after that. Until then the body does not
            // know of the stop.
            thread::sleep(PROGRAM_HANDLER_TIME);
        }
    }
}
