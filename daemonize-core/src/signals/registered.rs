//! The handled signals: registered with signal-hook, blocked everywhere, open only where they are waited for.

use crate::signal::Signal;
use crate::sys::mask::Mask;
use nix::poll::PollFd;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Instant;

/// Flags that say which of the handled signals came.
pub(crate) struct Registered {
    flags: Vec<(Signal, Arc<AtomicBool>)>,
}

impl Registered {
    /// Registers a flag for each of these signals (`sigaction(2)` through signal-hook).
    pub(crate) fn new(handled: &[Signal]) -> io::Result<Registered> {
        let register = |signal: &Signal| {
            let flag = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal.as_raw(), Arc::clone(&flag))?;
            Ok((*signal, flag))
        };
        let flags: io::Result<Vec<_>> = handled.iter().map(register).collect();
        Ok(Registered { flags: flags? })
    }

    /// Sleeps until one of them comes (`sigsuspend(2)`); one that is pending comes at once.
    pub(crate) fn suspend(&self) {
        self.open_mask().suspend();
    }

    /// As [`suspend`](Registered::suspend), but also until `deadline` or until one of `fds` has something to say;
    /// whether one has.
    pub(crate) fn suspend_until(&self, fds: &mut [PollFd<'_>], deadline: Option<Instant>) -> bool {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        self.open_mask().poll(fds, left) > 0
    }

    /// Which came since this was asked last.
    pub(crate) fn take(&self) -> Vec<Signal> {
        let came = self.flags.iter().filter(|(_, flag)| flag.swap(false, SeqCst));
        came.map(|(signal, _)| *signal).collect()
    }

    /// This thread's mask without the handled signals.
    fn open_mask(&self) -> Mask {
        self.flags.iter().fold(Mask::current(), |mask, (signal, _)| mask.without(*signal))
    }
}
