//! Counts unexpected signals, and records the sender of the last one.

use crate::signal::Signal;
use nix::sys::eventfd::{EfdFlags, EventFd};
use signal_hook_registry::register_sigaction;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// The value for a signal that no process has sent.
const NO_SENDER: u64 = u64::MAX;

/// Counters of signals, which their handlers increase.
pub struct SignalCounters {
    counters: Vec<(Signal, Arc<Counter>)>,
    event: Arc<EventFd>,
}

#[derive(Debug)]
struct Counter {
    count: AtomicU32,
    /// The pid and uid of the last sender.
    sender: AtomicU64,
}

/// The number of signals of one kind since the last [`SignalCounters::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalCount {
    /// The signal.
    pub signal: Signal,
    /// The number of signals.
    pub count: u32,
    /// The pid and uid of the last sender; `None` for the kernel. The pid is 0 for a process of another pid namespace.
    pub sender: Option<(i32, u32)>,
}

impl SignalCounters {
    /// Counts these signals from now on (`sigaction(2)`), so that they no longer end this process. Other registered handlers are still
    /// called. Programs that this process executes get the default action.
    ///
    /// # Errors
    /// Returns the error of `eventfd(2)` or `sigaction(2)`.
    pub fn listen(signals: impl Iterator<Item = Signal>) -> io::Result<SignalCounters> {
        let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let mut counters = Vec::new();
        for signal in signals {
            let counter = Arc::new(Counter { count: AtomicU32::new(0), sender: AtomicU64::new(NO_SENDER) });
            let (counter_of_handler, event_of_handler) = (Arc::clone(&counter), Arc::clone(&event));
            let action = move |info: &libc::siginfo_t| {
                counter_of_handler.sender.store(sender(info), SeqCst);
                counter_of_handler.count.fetch_add(1, SeqCst);
                let _ = event_of_handler.write(1);
            };
            // SAFETY: atomics and write(2) are async-signal-safe; nothing is allocated or unwinds, and signal-hook keeps errno.
            unsafe { register_sigaction(signal.as_raw(), action) }?;
            counters.push((signal, counter));
        }
        Ok(SignalCounters { counters, event })
    }

    /// Returns a file descriptor that is readable after a signal.
    pub fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Returns the signals since the last call, and resets the counters.
    pub fn take(&self) -> Vec<SignalCount> {
        let _ = self.event.read();
        let taken = self.counters.iter().map(|(signal, counter)| {
            let count = counter.count.swap(0, SeqCst);
            let word = counter.sender.load(SeqCst);
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
            // The inverse of `sender`.
            let sender = (word != NO_SENDER).then_some(((word >> 32) as i32, word as u32));
            SignalCount { signal: *signal, count, sender }
        });
        taken.filter(|signals| signals.count > 0).collect()
    }
}

/// Returns pid and uid of the sender in one word. Async-signal-safe.
fn sender(info: &libc::siginfo_t) -> u64 {
    if !matches!(info.si_code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL) {
        return NO_SENDER;
    }
    // SAFETY: the kernel fills in pid and uid for every signal of these codes.
    let (pid, uid) = unsafe { (info.si_pid(), info.si_uid()) };
    u64::from(pid.unsigned_abs()) << 32 | u64::from(uid)
}
