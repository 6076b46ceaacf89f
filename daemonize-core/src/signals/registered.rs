//! The handled signals: their handler, and the event that wakes the thread which treats them.

use crate::mutex::lock;
use crate::signal::Signal;
use crate::stopping;
use crate::sys::action;
use crate::sys::handler::{self, Flag, Purposes};
use crate::sys::mask::Mask;
use crate::sys::siginfo::Purpose;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks, where the event cannot be waited for: a program has closed it, or poll(2) fails.
const LOOK: Duration = Duration::from_millis(50);

/// How long the end of the body waits for the thread that treats signals.
const TREATMENT_TIMEOUT: Duration = Duration::from_secs(1);

/// The handled signals: blocked at first, and from [`begin`](Registered::begin) on kept.
pub(crate) struct Registered {
    handled: Vec<Signal>,
    /// Says that one of them came.
    event: Arc<EventFd>,
    kept: OnceLock<Kept>,
    /// Held by the thread that treats what it has taken.
    treating: Mutex<()>,
}

/// Flags that say which of the handled signals came.
struct Kept {
    flags: Vec<(Signal, Arc<Flag>)>,
}

impl Registered {
    pub(crate) fn new(handled: Vec<Signal>) -> io::Result<Registered> {
        let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        Ok(Registered { handled, event, kept: OnceLock::new(), treating: Mutex::new(()) })
    }

    /// Registers the signals and opens this thread's mask: what came meanwhile comes now, and is kept. Once.
    pub(crate) fn begin(&self) -> io::Result<()> {
        if self.kept.get().is_none() {
            let kept = Kept::new(&self.handled, &self.event)?;
            self.kept.get_or_init(|| kept);
            Mask::empty().set();
        }
        Ok(())
    }

    /// Whether this one is among them.
    pub(crate) fn handles(&self, signal: Signal) -> bool {
        self.handled.contains(&signal)
    }

    /// Sleeps until one of them comes, until `deadline`, or until `other` has something to say; whether it has.
    pub(crate) fn wait(&self, other: Option<PollFd<'_>>, deadline: Option<Instant>) -> bool {
        let event = PollFd::new(self.event.as_fd(), PollFlags::POLLIN);
        let (asked, mut fds) = (other.is_some(), [event.clone(), other.unwrap_or(event)]);
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // Rounded up: not early.
        let left = left.map(|left| left + Duration::from_micros(999));
        let time = left.map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        match poll(&mut fds, time) {
            Ok(count) if count > 0 => {}
            Ok(_) | Err(nix::Error::EINTR) => return false,
            Err(_) => {
                // The kernel cannot wait, but signals still come.
                thread::sleep(LOOK);
                return false;
            }
        }
        let [event, other] = fds.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        if event.contains(PollFlags::POLLNVAL) {
            thread::sleep(LOOK);
        }
        asked && !other.is_empty()
    }

    /// Runs `treat` while [`wait_until_treated`](Registered::wait_until_treated) waits for its end.
    pub(crate) fn treating<T>(&self, treat: impl FnOnce() -> T) -> T {
        let _treating = lock(&self.treating);
        treat()
    }

    /// Waits until the stop signals that came have been treated, so that the daemon knows what follows from them; one second at
    /// most.
    pub(crate) fn wait_until_treated(&self, stops: &[Signal]) {
        if stops.iter().any(|signal| self.is_kept(*signal)) {
            stopping::sleep(TREATMENT_TIMEOUT);
        }
        drop(lock(&self.treating));
    }

    /// Takes the signals that came since the last call, each with the purposes for which it was sent.
    pub(crate) fn take(&self) -> Vec<(Signal, Purposes)> {
        let _ = self.event.read();
        self.kept.get().map_or_else(Vec::new, Kept::take)
    }

    /// Sends this process one of them. A program that has put a handler of its own in place of the daemon's gets it, and so
    /// does the daemon: the caller means the daemon.
    pub(crate) fn send(&self, signal: Signal, purpose: Purpose) -> io::Result<()> {
        let kept = self.kept.get();
        let before = kept.map(|kept| kept.count(signal));
        handler::raise_for(signal, purpose)?;
        // By now the handlers have run. The program's may have called the daemon's, which must not hear of one signal twice.
        if let Some(kept) = kept.filter(|kept| before == Some(kept.count(signal)) && !action::is_ours_in_force(signal))
        {
            kept.raise(signal, purpose);
            let _ = self.event.write(1);
        }
        Ok(())
    }

    /// Returns `true` if one of these came and has not been taken. One that is just being treated has marked the stop when this
    /// returns: a body that hears of it by a signal handler of its own may be faster than the signal thread.
    pub(crate) fn has_come(&self, signals: &[Signal]) -> bool {
        let pending = Mask::pending();
        let has_come = signals.iter().any(|signal| pending.contains(*signal) || self.is_kept(*signal));
        if !has_come {
            drop(lock(&self.treating));
        }
        has_come
    }

    fn is_kept(&self, signal: Signal) -> bool {
        self.kept.get().is_some_and(|kept| kept.has(signal))
    }
}

impl Kept {
    fn new(handled: &[Signal], event: &Arc<EventFd>) -> io::Result<Kept> {
        let mut kept = Kept { flags: Vec::with_capacity(handled.len()) };
        for signal in handled {
            let flag = Arc::<Flag>::default();
            action::install(*signal, Arc::clone(&flag), Arc::clone(event))?;
            kept.flags.push((*signal, flag));
        }
        Ok(kept)
    }

    fn take(&self) -> Vec<(Signal, Purposes)> {
        self.flags.iter().filter_map(|(signal, flag)| Some((*signal, flag.take()?))).collect()
    }

    fn raise(&self, signal: Signal, purpose: Purpose) {
        self.flags.iter().filter(|(one, _)| *one == signal).for_each(|(_, flag)| flag.raise(purpose));
    }

    /// Returns how often the signal has come, and has been raised, modulo 2³².
    fn count(&self, signal: Signal) -> u32 {
        self.flags.iter().find(|(one, _)| *one == signal).map_or(0, |(_, flag)| flag.count())
    }

    fn has(&self, signal: Signal) -> bool {
        self.flags.iter().any(|(one, flag)| *one == signal && flag.is_raised())
    }
}

impl Drop for Kept {
    /// The process goes on as something that is no daemon; what came for the daemon comes to it now.
    fn drop(&mut self) {
        self.flags.iter().for_each(|(signal, _)| action::uninstall(*signal));
        for (signal, _) in self.take() {
            let _ = handler::raise(signal);
        }
    }
}
