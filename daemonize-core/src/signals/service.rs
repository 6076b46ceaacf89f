//! The signal thread: waits, marks the stop, has handlers run, and sees to it that the daemon ends in time.

use super::Registered;
use super::handlers::Handlers;
use crate::mutex::lock;
use crate::signal::Signal;
use crate::stopping;
use crate::sys::siginfo::Purpose;
use crate::sys::signal_flag::Purposes;
use crate::sys::signal_handler;
use crate::sys::thread::spawn;
use nix::poll::{PollFd, PollFlags};
use nix::sys::prctl::set_name;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Why the signal thread ends the process, when the body does not do so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The body never looked whether it should stop, and every handler is done.
    NeverAsked,
    /// The body or a handler was not done when the grace was over.
    GraceOver,
    /// A second stop signal was sent by hand, or the next one of a monitor's stop, while the body or a handler was not done.
    CutShort,
}

/// Stop signals that are sent by hand this close together are one: a key that is held down, a terminal that closes.
const BURST: Duration = Duration::from_millis(500);

/// The name of the signal thread from the stop on (`comm` in `proc(5)`).
pub(crate) const THREAD_OF_STOPPING: &CStr = c"daemon-stopping";

/// The time that a handler has which calls the daemon's before it sets a flag of its own.
const OUTER_HANDLER_TIME: Duration = Duration::from_millis(20);

/// How long a thread that cannot be made is tried again, and how often.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// What the signal thread does beyond the handlers, given by whoever launches.
pub(crate) struct Service {
    pub(crate) registered: Arc<Registered>,
    pub(crate) handlers: Arc<Handlers>,
    pub(crate) stops: Vec<Signal>,
    /// Stop signals for which the user has given handlers.
    pub(crate) with_handlers: Vec<Signal>,
    pub(crate) grace: Duration,
    /// Runs at every stop that is asked for, but not at the one that belongs to a restart.
    pub(crate) on_stop: Box<dyn Fn() + Send>,
    /// Ends the process.
    pub(crate) on_end: Box<dyn Fn(End) + Send>,
    /// `None` once the start is decided.
    pub(crate) undecided: Option<Undecided>,
}

/// The events that the signal thread waits for beside signals while the body runs and the daemon is not known to be ready.
pub(crate) struct Undecided {
    /// The launcher's, whose hang-up takes the start back.
    pub(crate) socket: Option<OwnedFd>,
    /// When the daemon is ready without having said so.
    pub(crate) due: Option<Instant>,
    /// Ends the process, or returns if the start has succeeded.
    pub(crate) on_hangup: Box<dyn Fn() + Send>,
    /// Returns when to try again, if it is not ready.
    pub(crate) on_due: Box<dyn Fn() -> Option<Instant> + Send>,
}

/// A stop that has begun.
#[derive(Clone, Copy)]
struct Stop {
    since: Instant,
    /// When it was first asked for by hand. The verbs mark their signals, and never cut a stop short.
    by_hand: Option<Instant>,
}

/// How a stop was asked for once more.
#[derive(Clone, Copy, Default)]
struct Again {
    by_hand: bool,
    /// By a monitor, for which the daemon takes too long.
    hurries: bool,
}

impl Service {
    /// Registers the signals, unless that has been done, and starts the thread.
    ///
    /// Where no thread can be had it is tried again for a while, unless a stop has come: the launch has just had one
    /// process more than there are now, so room is likely soon.
    pub(crate) fn start(self) -> io::Result<()> {
        self.registered.begin()?;
        let (registered, stops) = (Arc::clone(&self.registered), self.stops.clone());
        let service = Arc::new(Mutex::new(Some(self)));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let service = Arc::clone(&service);
            let serve = move || {
                let service = lock(&service).take();
                if let Some(service) = service {
                    service.serve();
                }
            };
            match spawn(c"daemon-signals", Box::new(serve)) {
                Err(_) if Instant::now() < deadline && !registered.has_come(&stops) => thread::sleep(PAUSE),
                outcome => return outcome,
            }
        }
    }

    fn serve(mut self) {
        loop {
            self.wait();
            let stop = self.registered.treating(|| self.react());
            if let Some(stop) = stop {
                // Not while it treats the signal: a body that ends at once would have to wait for that.
                stopping::wake();
                return self.see_to_the_end(stop);
            }
        }
    }

    fn wait(&mut self) {
        let Some(undecided) = &mut self.undecided else {
            self.registered.wait(None, None);
            return;
        };
        // Hang-up is reported without being asked for; what the socket has to read is not for this thread.
        let socket = undecided.socket.as_ref().map(|socket| PollFd::new(socket.as_fd(), PollFlags::empty()));
        if self.registered.wait(socket, undecided.due) {
            (undecided.on_hangup)();
            self.undecided = None;
        } else if undecided.due.is_some_and(|due| Instant::now() >= due) {
            undecided.due = (undecided.on_due)();
            if undecided.socket.is_none() && undecided.due.is_none() {
                self.undecided = None;
            }
        }
    }

    /// Treats what came; the stop, if one was among it.
    fn react(&self) -> Option<Stop> {
        self.handlers.run_direct();
        let mut stop = None;
        for (signal, purposes) in self.registered.take() {
            self.run_handlers(signal);
            if self.stops.contains(&signal) {
                self.begin_stop(signal);
                let since = Instant::now();
                let stop = stop.get_or_insert(Stop { since, by_hand: None });
                stop.by_hand = stop.by_hand.or(self.is_asked_by_hand(purposes).then_some(since));
            }
        }
        if stop.is_some() {
            stopping::tell();
            // Last: a body that returns at once finds the handlers queued, and waits for them.
            stopping::set_marked();
        }
        stop
    }

    /// Records what has to be known before the body hears of the stop.
    fn begin_stop(&self, signal: Signal) {
        acknowledge();
        heed_others(signal);
        if self.with_handlers.contains(&signal) {
            self.handlers.set_shutdown(signal);
        }
    }

    fn run_handlers(&self, signal: Signal) {
        self.handlers.run(signal, self.stops.contains(&signal));
    }

    /// Passes on that a stop was asked for. Returns `true` if it was asked for by hand.
    fn is_asked_by_hand(&self, purposes: Purposes) -> bool {
        let by_hand = purposes.contains(Purpose::Unmarked);
        if by_hand || purposes.contains(Purpose::Stop) || purposes.contains(Purpose::Hurry) {
            (self.on_stop)();
        }
        by_hand
    }

    /// From the stop on: the body ends the process by returning, or this does.
    fn see_to_the_end(&self, mut stop: Stop) {
        let deadline = stop.since + self.grace;
        loop {
            let is_over_when_idle = !stopping::ends_in_order();
            if is_over_when_idle && self.handlers.is_idle() {
                return (self.on_end)(End::NeverAsked);
            }
            if Instant::now() >= deadline {
                return (self.on_end)(End::GraceOver);
            }
            if is_over_when_idle {
                self.wait_until_idle(deadline);
            } else {
                // It is the body that ends the process, now: nothing is prepared here that could get in its way.
                self.registered.wait(None, Some(deadline));
            }
            let again = self.asked_again();
            let now = Instant::now();
            let is_late = again.by_hand && now.duration_since(*stop.by_hand.get_or_insert(now)) >= BURST;
            if is_late || again.hurries {
                return (self.on_end)(End::CutShort);
            }
        }
    }

    /// Waits until the handlers have run, or a signal comes.
    fn wait_until_idle(&self, deadline: Instant) {
        let Some(idle) = self.handlers.idle_event() else {
            // No descriptor left for the event: look now and then.
            let soon = Instant::now() + Duration::from_millis(10);
            self.registered.wait(None, Some(soon.min(deadline)));
            return;
        };
        // They may have run before the event was there.
        if !self.handlers.is_idle() {
            self.registered.wait(Some(PollFd::new(idle.as_fd(), PollFlags::POLLIN)), Some(deadline));
        }
    }

    /// Treats what comes after the stop. Returns how another stop was asked for, if it was.
    fn asked_again(&self) -> Again {
        self.handlers.run_direct();
        let mut again = Again::default();
        for (signal, purposes) in self.registered.take() {
            if self.stops.contains(&signal) {
                again.by_hand |= self.is_asked_by_hand(purposes);
                again.hurries |= purposes.contains(Purpose::Hurry);
            } else {
                self.run_handlers(signal);
            }
        }
        again
    }
}

/// Names this thread after what the daemon does, so that the process that asked it to stop sees that it does
/// ([`THREAD_OF_STOPPING`]).
fn acknowledge() {
    let _ = set_name(THREAD_OF_STOPPING);
}

/// Leaves the body its grace if handlers of the program's own take the signal, too.
fn heed_others(signal: Signal) {
    if signal_handler::is_shared(signal) {
        stopping::set_heard_elsewhere();
        if !signal_handler::is_ours_in_force(signal) {
            // It has called ours, and its own part may come after that. Until then the body does not know of the stop.
            thread::sleep(OUTER_HANDLER_TIME);
        }
    }
}
