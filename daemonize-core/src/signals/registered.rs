//! The handled signals: registered with signal-hook, and what wakes whoever treats them.

use crate::signal::Signal;
use crate::sys::handler;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks, when a program has closed the event with everything else.
const LOOK: Duration = Duration::from_millis(50);

/// Flags that say which of the handled signals came, and an event that says that one did.
pub(crate) struct Registered {
    flags: Vec<(Signal, Arc<AtomicBool>)>,
    event: Arc<EventFd>,
    forsaken: Arc<AtomicBool>,
}

impl Registered {
    /// Registers these signals. From now on they may come to any thread.
    pub(crate) fn new(handled: &[Signal]) -> io::Result<Registered> {
        let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let mut registered = Registered { flags: Vec::with_capacity(handled.len()), event, forsaken: Arc::default() };
        for signal in handled {
            let flag = Arc::<AtomicBool>::default();
            let (event, forsaken) = (Arc::clone(&registered.event), Arc::clone(&registered.forsaken));
            handler::raise(*signal, Arc::clone(&flag), event, forsaken)?;
            registered.flags.push((*signal, flag));
        }
        Ok(registered)
    }

    /// Sleeps until one of them comes, until `deadline`, or until `other` has something to say; whether it has.
    pub(crate) fn wait(&self, other: Option<PollFd<'_>>, deadline: Option<Instant>) -> bool {
        let event = PollFd::new(self.event.as_fd(), PollFlags::POLLIN);
        let (asked, mut fds) = (other.is_some(), [event.clone(), other.unwrap_or(event)]);
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // Rounded up: not early.
        let left = left.map(|left| left + Duration::from_micros(999));
        let time = left.map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        if poll(&mut fds, time).unwrap_or(0) <= 0 {
            return false;
        }
        let [event, other] = fds.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        if event.contains(PollFlags::POLLNVAL) {
            thread::sleep(LOOK);
        }
        asked && !other.is_empty()
    }

    /// Which came since this was asked last.
    pub(crate) fn take(&self) -> Vec<Signal> {
        let _ = self.event.read();
        let came = self.flags.iter().filter(|(_, flag)| flag.swap(false, SeqCst));
        came.map(|(signal, _)| *signal).collect()
    }

    /// Whether one of these came and has not been taken.
    pub(crate) fn has_come(&self, signals: &[Signal]) -> bool {
        self.flags.iter().any(|(signal, flag)| flag.load(SeqCst) && signals.contains(signal))
    }
}

impl AsFd for Registered {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

impl Drop for Registered {
    /// The process goes on as something that is no daemon.
    fn drop(&mut self) {
        self.forsaken.store(true, SeqCst);
    }
}
