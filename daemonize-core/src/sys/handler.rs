//! What runs when a signal comes, whatever it interrupts.

use super::dispositions;
use crate::signal::Signal;
use nix::sys::eventfd::EventFd;
use signal_hook::low_level::emulate_default_handler;
use signal_hook_registry::register_sigaction;
use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Nobody looks at the flags any more: signals do what they did before.
static FORSAKEN: AtomicBool = AtomicBool::new(false);

/// [`raise`] is at it.
static RAISING: AtomicBool = AtomicBool::new(false);

/// Has a signal raise `flag` and `event` (`sigaction(2)` through signal-hook, beside what others have registered); while
/// [`forsake`] holds it does what it does by default, if that is what it did before. An `abort(3)` ends the process at once.
pub(crate) fn raise_flag(signal: Signal, flag: Arc<AtomicBool>, event: Arc<EventFd>) -> io::Result<()> {
    let (number, was_default) = (signal.as_raw(), dispositions::is_default(signal));
    let action = move |info: &libc::siginfo_t| {
        let is_forsaken = FORSAKEN.load(SeqCst);
        let dies = if is_forsaken { was_default } else { is_abort(info) };
        if dies {
            let _ = emulate_default_handler(number);
        } else if !is_forsaken {
            flag.store(true, SeqCst);
            let _ = event.write(1);
        }
    };
    // SAFETY: atomics, getpid(2), write(2) and signal-hook's own emulation are async-signal-safe; nothing is allocated or
    // unwinds, and signal-hook keeps errno.
    unsafe { register_sigaction(number, action) }.map(drop)
}

/// Whether a thread of this process has called `abort(3)`: it dies of that, whatever is done about the signal, and nobody
/// shall take it for a stop meanwhile.
fn is_abort(info: &libc::siginfo_t) -> bool {
    let is_of_a_thread = info.si_signo == libc::SIGABRT && info.si_code == libc::SI_TKILL;
    // SAFETY: the kernel fills in who sent it for every signal of this code.
    is_of_a_thread && !RAISING.load(SeqCst) && u32::try_from(unsafe { info.si_pid() }) == Ok(process::id())
}

/// Whether nobody looks any more.
pub(crate) fn forsake(yes: bool) {
    FORSAKEN.store(yes, SeqCst);
}

/// Sends the calling thread a signal (`raise(3)`), which takes no descriptor; its handler is the process's.
pub(crate) fn raise(signal: Signal) -> io::Result<()> {
    RAISING.store(true, SeqCst);
    let raised = signal_hook::low_level::raise(signal.as_raw());
    RAISING.store(false, SeqCst);
    raised
}
