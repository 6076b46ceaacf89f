//! The signals that a daemon handles: blocked until the handlers are installed, then waited for and taken by the signal thread.
//!
//! A signal wakes the signal thread. A direct signal, which has only handlers of the user, wakes the handler thread if that is
//! idle: to pass the signal on from one thread to the other would cost another wake-up. While a handler runs, the signal thread
//! queues direct signals as well, so that the handlers of each signal run, in order.

use super::install::InstalledHandlers;
use crate::mutex::lock;
use crate::signal::Signal;
use crate::stop_flag;
use crate::sys::siginfo::Purpose;
use crate::sys::signal_flag::{self, Purposes};
use crate::sys::signal_handler;
use crate::sys::signal_mask::Mask;
use crate::sys::wakeup::Wakeup;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// The interval of checks when the event cannot be waited for: the program has closed its descriptor, or `poll(2)` fails.
const POLL_FALLBACK_INTERVAL: Duration = Duration::from_millis(50);

/// How long the end of the body waits for the signal thread to act on a stop signal.
const STOP_HANDLING_TIMEOUT: Duration = Duration::from_secs(1);

/// The signals that a daemon handles. They are blocked until [`install`](HandledSignals::install).
pub(crate) struct HandledSignals {
    handled: Vec<Signal>,
    /// The signals among them that wake the handler thread, if it is idle.
    direct: Vec<Signal>,
    /// Written when a signal arrives, but for a direct signal that wakes the handler thread.
    event: Arc<EventFd>,
    /// Wakes the handler thread.
    wakeup: Arc<Wakeup>,
    installed: OnceLock<InstalledHandlers>,
    /// Held by the signal thread while it acts on signals that it has taken.
    handling: Mutex<()>,
}

impl HandledSignals {
    /// Returns the `handled` signals, of which those that are `direct` wake the handler thread, if it is idle.
    pub(crate) fn new(handled: Vec<Signal>, direct: Vec<Signal>) -> io::Result<HandledSignals> {
        let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let (wakeup, installed, handling) = (Arc::default(), OnceLock::new(), Mutex::new(()));
        Ok(HandledSignals { handled, direct, event, wakeup, installed, handling })
    }

    /// Installs the handlers, once, and unblocks all signals in the calling thread: pending signals arrive now.
    pub(crate) fn install(&self) -> io::Result<()> {
        if self.installed.get().is_none() {
            let installed = InstalledHandlers::install(&self.handled, &self.direct, &self.event, &self.wakeup)?;
            self.installed.get_or_init(|| installed);
            Mask::empty().set();
        }
        Ok(())
    }

    /// Returns `true` if the daemon handles this signal.
    pub(crate) fn handles(&self, signal: Signal) -> bool {
        self.handled.contains(&signal)
    }

    /// Waits until a signal arrives, until `deadline`, or until one of the `others` is ready. Returns which of these are.
    pub(crate) fn wait(&self, others: [Option<PollFd<'_>>; 2], deadline: Option<Instant>) -> [bool; 2] {
        const NONE: [bool; 2] = [false; 2];
        let event = PollFd::new(self.event.as_fd(), PollFlags::POLLIN);
        let is_watched = others.each_ref().map(Option::is_some);
        let [first, second] = others.map(|other| other.unwrap_or(event.clone()));
        let mut fds = [event, first, second];
        let watched = match is_watched {
            [_, true] => &mut fds[..],
            [true, false] => &mut fds[..2],
            NONE => &mut fds[..1],
        };
        match poll(watched, poll_timeout(deadline)) {
            Ok(count) if count > 0 => {}
            Ok(_) | Err(nix::Error::EINTR) => return NONE,
            Err(_) => {
                // The kernel cannot wait (`ENOMEM`), but signals still arrive.
                thread::sleep(POLL_FALLBACK_INTERVAL);
                return NONE;
            }
        }
        let [event, first, second] = fds.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        if event.contains(PollFlags::POLLNVAL) {
            // The program has closed the event: without a pause this would spin.
            thread::sleep(POLL_FALLBACK_INTERVAL);
        }
        [is_watched[0] && !first.is_empty(), is_watched[1] && !second.is_empty()]
    }

    /// Runs `handle`, for whose end [`wait_until_handled`](HandledSignals::wait_until_handled) waits.
    pub(crate) fn while_handling<T>(&self, handle: impl FnOnce() -> T) -> T {
        let _handling = lock(&self.handling);
        handle()
    }

    /// Waits until the signal thread has acted on the stop signals that arrived, for at most [`STOP_HANDLING_TIMEOUT`].
    pub(crate) fn wait_until_handled(&self, stops: &[Signal]) {
        if stops.iter().any(|signal| self.is_untaken(*signal)) {
            stop_flag::sleep(STOP_HANDLING_TIMEOUT);
        }
        drop(lock(&self.handling));
    }

    /// Takes the signals that arrived since the last call and are not direct, each with the purposes for which it was sent.
    pub(crate) fn take(&self) -> impl Iterator<Item = (Signal, Purposes)> + '_ {
        let _ = self.event.read();
        // Nothing is allocated: the first allocation would have malloc create an arena for the signal thread, in the path of a
        // stop.
        self.installed.get().into_iter().flat_map(|installed| installed.take(false))
    }

    /// Returns `true` if a direct signal arrived and was not taken.
    pub(crate) fn has_direct(&self) -> bool {
        self.installed.get().is_some_and(InstalledHandlers::has_direct)
    }

    /// Takes the direct signals that arrived since the last call.
    pub(crate) fn take_direct(&self) -> impl Iterator<Item = Signal> + '_ {
        self.installed.get().into_iter().flat_map(|installed| installed.take(true)).map(|(signal, _)| signal)
    }

    /// Returns the futex that wakes the handler thread.
    pub(crate) fn wakeup(&self) -> &Arc<Wakeup> {
        &self.wakeup
    }

    /// Sends this process a handled signal. If the program has replaced the daemon's handler by its own, both receive the
    /// signal: the caller means the daemon.
    pub(crate) fn send(&self, signal: Signal, purpose: Purpose) -> io::Result<()> {
        let installed = self.installed.get();
        let before = installed.map(|installed| installed.count(signal));
        signal_flag::raise_for(signal, purpose)?;
        // By now the handlers have run. The program's may have called the daemon's, which must not see one signal twice.
        if let Some(installed) = installed {
            if before == Some(installed.count(signal)) && !signal_handler::is_ours_in_force(signal) {
                installed.raise(signal, purpose);
                let _ = self.event.write(1);
            }
        }
        Ok(())
    }

    /// Returns `true` if one of these signals arrived and was not taken. If the signal thread is acting on one, the stop is
    /// requested by the time that this returns: a body that learns of the stop from a handler of its own may be faster than the
    /// signal thread.
    pub(crate) fn has_arrived(&self, signals: &[Signal]) -> bool {
        let pending = Mask::pending();
        let has_arrived = signals.iter().any(|signal| pending.contains(*signal) || self.is_untaken(*signal));
        if !has_arrived {
            drop(lock(&self.handling));
        }
        has_arrived
    }

    fn is_untaken(&self, signal: Signal) -> bool {
        self.installed.get().is_some_and(|installed| installed.has(signal))
    }
}

fn poll_timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    // Rounded up to milliseconds: the wait must not end before the deadline.
    let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}
