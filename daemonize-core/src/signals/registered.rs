//! The handled signals: their handler, and what wakes the threads which treat them.
//!
//! A signal wakes the signal thread; a direct one, which only has handlers of the user, wakes the handlers' thread if that is
//! idle: to pass it on would cost another wake-up. While a handler runs, the signal thread queues direct signals as well: each
//! has its handlers run, and in order.

use crate::mutex::lock;
use crate::signal::Signal;
use crate::stopping;
use crate::sys::siginfo::Purpose;
use crate::sys::signal_flag::{self, Flag, Purposes};
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

/// Between two looks, where the event cannot be waited for: a program has closed it, or poll(2) fails.
const LOOK: Duration = Duration::from_millis(50);

/// How long the end of the body waits for the thread that treats signals.
const TREATMENT_TIMEOUT: Duration = Duration::from_secs(1);

/// The handled signals: blocked at first, and from [`begin`](Registered::begin) on kept.
pub(crate) struct Registered {
    handled: Vec<Signal>,
    /// The signals among them that the handlers' thread takes, if it is idle.
    direct: Vec<Signal>,
    /// Says that one of them came; not of a direct one while the handlers' thread is idle.
    event: Arc<EventFd>,
    /// Wakes the handlers' thread.
    wakeup: Arc<Wakeup>,
    kept: OnceLock<Kept>,
    /// Held by the thread that treats what it has taken.
    treating: Mutex<()>,
}

/// Flags that say which of the handled signals came.
struct Kept {
    flags: Vec<KeptSignal>,
}

struct KeptSignal {
    signal: Signal,
    is_direct: bool,
    flag: Arc<Flag>,
}

impl Registered {
    /// The handlers' thread takes those of the `handled` signals that are `direct`, if it is idle.
    pub(crate) fn new(handled: Vec<Signal>, direct: Vec<Signal>) -> io::Result<Registered> {
        let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let (wakeup, kept, treating) = (Arc::default(), OnceLock::new(), Mutex::new(()));
        Ok(Registered { handled, direct, event, wakeup, kept, treating })
    }

    /// Registers the signals and opens this thread's mask: what came meanwhile comes now, and is kept. Once.
    pub(crate) fn begin(&self) -> io::Result<()> {
        if self.kept.get().is_none() {
            let kept = Kept::new(self)?;
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

    /// Takes the signals that came since the last call and are not direct, each with the purposes for which it was sent.
    pub(crate) fn take(&self) -> impl Iterator<Item = (Signal, Purposes)> + '_ {
        let _ = self.event.read();
        // Nothing is allocated: the first time, malloc would have to make an arena for the signal thread, on the way to the stop.
        self.kept.get().into_iter().flat_map(|kept| kept.take(false))
    }

    /// Returns `true` if a direct signal came and has not been taken.
    pub(crate) fn has_direct(&self) -> bool {
        self.kept.get().is_some_and(Kept::has_direct)
    }

    /// Takes the direct signals that came since the last call.
    pub(crate) fn take_direct(&self) -> impl Iterator<Item = Signal> + '_ {
        self.kept.get().into_iter().flat_map(|kept| kept.take(true)).map(|(signal, _)| signal)
    }

    /// Returns what wakes the handlers' thread.
    pub(crate) fn wakeup(&self) -> &Arc<Wakeup> {
        &self.wakeup
    }

    /// Sends this process one of them. A program that has put a handler of its own in place of the daemon's gets it, and so
    /// does the daemon: the caller means the daemon.
    pub(crate) fn send(&self, signal: Signal, purpose: Purpose) -> io::Result<()> {
        let kept = self.kept.get();
        let before = kept.map(|kept| kept.count(signal));
        signal_flag::raise_for(signal, purpose)?;
        // By now the handlers have run. The program's may have called the daemon's, which must not hear of one signal twice.
        if let Some(kept) =
            kept.filter(|kept| before == Some(kept.count(signal)) && !signal_handler::is_ours_in_force(signal))
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
    fn new(registered: &Registered) -> io::Result<Kept> {
        let mut kept = Kept { flags: Vec::with_capacity(registered.handled.len()) };
        for signal in registered.handled.iter().copied() {
            let flag = Arc::<Flag>::default();
            let is_direct = registered.direct.contains(&signal);
            let wakeup = is_direct.then(|| Arc::clone(&registered.wakeup));
            signal_handler::install(signal, Arc::clone(&flag), Arc::clone(&registered.event), wakeup)?;
            kept.flags.push(KeptSignal { signal, is_direct, flag });
        }
        Ok(kept)
    }

    /// Takes the signals that came, those that are direct or those that are not.
    fn take(&self, direct: bool) -> impl Iterator<Item = (Signal, Purposes)> + '_ {
        let kept = self.flags.iter().filter(move |kept| kept.is_direct == direct);
        kept.filter_map(|kept| Some((kept.signal, kept.flag.take()?)))
    }

    fn raise(&self, signal: Signal, purpose: Purpose) {
        self.get(signal).for_each(|kept| kept.flag.raise(purpose));
    }

    fn get(&self, signal: Signal) -> impl Iterator<Item = &KeptSignal> {
        self.flags.iter().filter(move |kept| kept.signal == signal)
    }

    /// Returns how often the signal has come, and has been raised, modulo 2³².
    fn count(&self, signal: Signal) -> u32 {
        self.get(signal).next().map_or(0, |kept| kept.flag.count())
    }

    fn has(&self, signal: Signal) -> bool {
        self.get(signal).any(|kept| kept.flag.is_raised())
    }

    fn has_direct(&self) -> bool {
        self.flags.iter().any(|kept| kept.is_direct && kept.flag.is_raised())
    }
}

impl Drop for Kept {
    /// The process goes on as something that is no daemon; what came for the daemon comes to it now.
    fn drop(&mut self) {
        self.flags.iter().for_each(|kept| signal_handler::uninstall(kept.signal));
        for (signal, _) in self.take(false).chain(self.take(true)) {
            let _ = signal_flag::raise(signal);
        }
    }
}
