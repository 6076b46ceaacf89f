//! The signal thread: waits, marks the stop, has handlers run, and sees to it that the daemon ends in time.

use super::handlers::Handlers;
use super::{Registered, Signals};
use crate::mutex::lock;
use crate::signal::Signal;
use crate::stopping;
use crate::sys::mask::Mask;
use nix::poll::{PollFd, PollFlags};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
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
    /// A second stop signal came while the body or a handler was not done.
    CutShort,
}

/// Stop signals that come this close together are one: two `stop`s at once, a terminal that closes.
const BURST: Duration = Duration::from_millis(500);

/// How long a thread that cannot be made is tried again, and how often.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// What the signal thread does beyond the handlers, given by whoever launches.
pub(crate) struct Service {
    /// Blocked in the thread that starts this one.
    pub(crate) handled: Vec<Signal>,
    pub(crate) handlers: Arc<Handlers>,
    pub(crate) signals: Signals,
    pub(crate) stops: Vec<Signal>,
    pub(crate) grace: Duration,
    /// Ends the process.
    pub(crate) on_end: Box<dyn Fn(End) + Send>,
    /// While the daemon is not ready: the socket whose hang-up means that nobody wants it, and what to do then.
    pub(crate) unwanted: Option<Unwanted>,
}

/// See [`Service::unwanted`].
pub(crate) struct Unwanted {
    pub(crate) socket: OwnedFd,
    /// Ends the process, or returns when the daemon is wanted after all.
    pub(crate) act: Box<dyn Fn() + Send>,
}

impl Service {
    /// Registers the handled signals and starts the thread, which inherits the mask in which they are blocked.
    ///
    /// Where no thread can be had it is tried again for a while, unless a stop is pending: the launch has just had one
    /// process more than there are now, so room is likely soon.
    pub(crate) fn start(self) -> io::Result<()> {
        let registered = Registered::new(&self.handled)?;
        let stops = self.stops.clone();
        let serving = Arc::new(Mutex::new(Some(Serving { service: self, registered })));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let serving = Arc::clone(&serving);
            let serve = move || {
                let serving = lock(&serving).take();
                if let Some(serving) = serving {
                    serving.serve();
                }
            };
            match thread::Builder::new().name("daemon-signals".into()).spawn(serve) {
                Err(_) if Instant::now() < deadline && !is_pending(&stops) => thread::sleep(PAUSE),
                outcome => return outcome.map(drop),
            }
        }
    }
}

/// Whether one of these signals has come to this thread and not been taken.
pub(crate) fn is_pending(signals: &[Signal]) -> bool {
    let pending = Mask::pending();
    signals.iter().any(|signal| pending.contains(*signal))
}

/// The signal thread at work.
struct Serving {
    service: Service,
    registered: Registered,
}

impl Serving {
    fn serve(mut self) {
        loop {
            self.wait();
            if let Some(since) = self.react() {
                return self.see_to_the_end(since);
            }
        }
    }

    fn wait(&mut self) {
        let Some(unwanted) = &self.service.unwanted else { return self.registered.suspend() };
        // Hang-up is reported without being asked for; what the socket has to read is not for this thread.
        let mut fds = [PollFd::new(unwanted.socket.as_fd(), PollFlags::empty())];
        if self.registered.suspend_until(&mut fds, None) {
            (unwanted.act)();
            self.service.unwanted = None;
        }
    }

    /// Treats what came; the moment of the stop, if that was among it.
    fn react(&self) -> Option<Instant> {
        let mut stop = None;
        for signal in self.registered.take() {
            self.service.handlers.run(signal, self.service.signals.handlers(signal));
            if self.service.stops.contains(&signal) {
                stop = Some(Instant::now());
            }
        }
        if stop.is_some() {
            stopping::tell();
            // Last: a body that returns at once finds the handlers queued, and waits for them.
            stopping::mark();
        }
        stop
    }

    /// From the stop on: the body ends the process by returning, or this does.
    fn see_to_the_end(&self, since: Instant) {
        let deadline = since + self.service.grace;
        let idle = self.service.handlers.idle_event();
        loop {
            if self.service.handlers.is_idle() && !stopping::was_asked() {
                return (self.service.on_end)(End::NeverAsked);
            }
            if Instant::now() >= deadline {
                return (self.service.on_end)(End::GraceOver);
            }
            self.wait_for_change(idle.as_ref().map(AsFd::as_fd), deadline);
            if self.again() && Instant::now() >= since + BURST {
                return (self.service.on_end)(End::CutShort);
            }
        }
    }

    fn wait_for_change(&self, idle: Option<BorrowedFd<'_>>, deadline: Instant) {
        let Some(idle) = idle else {
            // No descriptor left for the event: look now and then.
            let soon = Instant::now() + Duration::from_millis(10);
            self.registered.suspend_until(&mut [], Some(soon.min(deadline)));
            return;
        };
        let mut fds = [PollFd::new(idle, PollFlags::POLLIN)];
        if self.registered.suspend_until(&mut fds, Some(deadline)) {
            let _ = nix::unistd::read(idle, &mut [0; 8]);
        }
    }

    /// Treats what comes after the stop; whether another stop was among it.
    fn again(&self) -> bool {
        let mut again = false;
        for signal in self.registered.take() {
            if self.service.stops.contains(&signal) {
                again = true;
            } else {
                self.service.handlers.run(signal, self.service.signals.handlers(signal));
            }
        }
        again
    }
}
