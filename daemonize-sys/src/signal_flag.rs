//! The flags that the daemon's signal handler sets, and signals that the daemon sends to itself.

use super::siginfo::{self, Purpose};
use super::signal_mask::Mask;
use crate::signal::Signal;
use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::SeqCst};

/// `true` while [`raise`] runs.
static RAISING: AtomicBool = AtomicBool::new(false);

/// The purposes for which a signal was received since the last [`Flag::take`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purposes(u8);

impl Purposes {
    fn bit(purpose: Purpose) -> u8 {
        match purpose {
            Purpose::Unmarked => 1,
            Purpose::Stop => 2,
            Purpose::Restart => 4,
            Purpose::Hurry => 8,
        }
    }

    /// Returns `true` if the signal was received for this purpose.
    pub fn contains(self, purpose: Purpose) -> bool {
        self.0 & Purposes::bit(purpose) != 0
    }
}

/// Records that a signal was received, and for which purposes.
#[derive(Debug, Default)]
pub struct Flag {
    purposes: AtomicU8,
    /// The number of signals, modulo 2³².
    count: AtomicU32,
}

impl Flag {
    /// Records a signal. Async-signal-safe (`signal-safety(7)`).
    pub fn raise(&self, purpose: Purpose) {
        self.purposes.fetch_or(Purposes::bit(purpose), SeqCst);
        self.count.fetch_add(1, SeqCst);
    }

    /// Returns the number of signals, modulo 2³².
    pub fn count(&self) -> u32 {
        self.count.load(SeqCst)
    }

    /// Returns `true` if a signal was received since the last [`take`](Flag::take).
    pub fn is_raised(&self) -> bool {
        self.purposes.load(SeqCst) != 0
    }

    /// Takes the purposes of the signals that were received since the last call; `None` if there was no signal.
    pub fn take(&self) -> Option<Purposes> {
        let purposes = self.purposes.swap(0, SeqCst);
        (purposes != 0).then_some(Purposes(purposes))
    }
}

/// Returns `true` if a thread of this process has called `abort(3)`. The process then ends regardless of a handler, so the signal is
/// not a request to stop. Async-signal-safe.
pub(super) fn is_abort(info: &libc::siginfo_t) -> bool {
    let is_of_a_thread = info.si_signo == libc::SIGABRT && info.si_code == libc::SI_TKILL;
    // SAFETY: the kernel fills in who sent it for every signal of this code.
    is_of_a_thread && !RAISING.load(SeqCst) && u32::try_from(unsafe { info.si_pid() }) == Ok(process::id())
}

/// Sends this process a signal that is marked with its purpose (`rt_sigqueueinfo(2)`, or `raise(3)` without a mark). The calling thread
/// handles it immediately, unless it blocks it.
pub fn raise_for(signal: Signal, purpose: Purpose) -> io::Result<()> {
    let Some(info) = siginfo::marked(signal, purpose) else { return raise(signal) };
    let is_blocked = Mask::current().contains(signal);
    if is_blocked { siginfo::queue_for_process(&info) } else { siginfo::queue_for_thread(&info) }
}

/// Sends a signal to the calling thread (`raise(3)`).
pub fn raise(signal: Signal) -> io::Result<()> {
    RAISING.store(true, SeqCst);
    let raised = signal_hook::low_level::raise(signal.as_raw());
    RAISING.store(false, SeqCst);
    raised
}
