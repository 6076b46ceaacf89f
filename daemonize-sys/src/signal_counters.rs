//! Signals that nothing asked for: counted when they come, with the sender of the last one.

use crate::signal::Signal;
use nix::sys::eventfd::{EfdFlags, EventFd};
use signal_hook_registry::register_sigaction;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// Stands for a signal that no process has sent.
const NO_SENDER: u64 = u64::MAX;

/// Counters of signals, which their handlers increase.
pub struct SignalCounters {
    counters: Vec<(Signal, Arc<Counter>)>,
    event: Arc<EventFd>,
}

#[derive(Debug)]
struct Counter {
    count: AtomicU32,
    /// Pid and uid of the last sender.
    sender: AtomicU64,
}

/// The arrivals of one signal since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalCount {
    /// The signal.
    pub signal: Signal,
    /// How often it has come.
    pub count: u32,
    /// Pid and uid of the process that sent the last one; `None` for the kernel. The pid is 0 for a process of another pid
    /// namespace.
    pub sender: Option<(i32, u32)>,
}

impl SignalCounters {
    /// Counts these signals from now on (`sigaction(2)`), beside what else is registered for them: they do not end this process
    /// any more. In programs that it executes they have the default action again.
    ///
    /// # Errors
    /// The kernel's information about the last one.
    pub fn listen(signals: impl Iterator<Item = Signal>) -> io::Result<SignalCounters> {
        let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let mut counters = Vec::new();
        for signal in signals {
            let counter = Arc::new(Counter { count: AtomicU32::new(0), sender: AtomicU64::new(NO_SENDER) });
            let (ours, bell) = (Arc::clone(&counter), Arc::clone(&event));
            let action = move |info: &libc::siginfo_t| {
                ours.sender.store(sender(info), SeqCst);
                ours.count.fetch_add(1, SeqCst);
                let _ = bell.write(1);
            };
            // SAFETY: atomics and write(2) are async-signal-safe; nothing is allocated or unwinds, and signal-hook keeps errno.
            unsafe { register_sigaction(signal.as_raw(), action) }?;
            counters.push((signal, counter));
        }
        Ok(SignalCounters { counters, event })
    }

    /// Returns a descriptor that is readable when one of them has come.
    pub fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Takes what came since the last call.
    pub fn take(&self) -> Vec<SignalCount> {
        let _ = self.event.read();
        let taken = self.counters.iter().map(|(signal, counter)| {
            let count = counter.count.swap(0, SeqCst);
            let word = counter.sender.load(SeqCst);
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
            // Taken apart as it was put together.
            let sender = (word != NO_SENDER).then_some(((word >> 32) as i32, word as u32));
            SignalCount { signal: *signal, count, sender }
        });
        taken.filter(|came| came.count > 0).collect()
    }
}

/// Returns the sender of a signal in one word. Async-signal-safe.
fn sender(info: &libc::siginfo_t) -> u64 {
    if !matches!(info.si_code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL) {
        return NO_SENDER;
    }
    // SAFETY: the kernel fills in pid and uid for every signal of these codes.
    let (pid, uid) = unsafe { (info.si_pid(), info.si_uid()) };
    u64::from(pid.unsigned_abs()) << 32 | u64::from(uid)
}
