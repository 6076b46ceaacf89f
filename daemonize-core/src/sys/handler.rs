//! What runs when a signal comes, whatever it interrupts.

use super::dispositions;
use crate::signal::Signal;
use nix::sys::eventfd::EventFd;
use signal_hook::low_level::{emulate_default_handler, register};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Nobody looks at the flags any more: signals do what they did before.
static FORSAKEN: AtomicBool = AtomicBool::new(false);

/// Has a signal raise `flag` and `event` (`sigaction(2)` through signal-hook, beside what others have registered); while
/// [`forsake`] holds it does what it does by default, if that is what it did before.
pub(crate) fn raise_flag(signal: Signal, flag: Arc<AtomicBool>, event: Arc<EventFd>) -> io::Result<()> {
    let (number, was_default) = (signal.as_raw(), dispositions::is_default(signal));
    let action = move || {
        if !FORSAKEN.load(SeqCst) {
            flag.store(true, SeqCst);
            let _ = event.write(1);
        } else if was_default {
            let _ = emulate_default_handler(number);
        }
    };
    // SAFETY: atomics, write(2) and signal-hook's own emulation are async-signal-safe; nothing is allocated or unwinds,
    // and signal-hook keeps errno.
    unsafe { register(number, action) }.map(drop)
}

/// Whether nobody looks any more.
pub(crate) fn forsake(yes: bool) {
    FORSAKEN.store(yes, SeqCst);
}

/// Sends the calling thread a signal (`raise(3)`), which takes no descriptor; its handler is the process's.
pub(crate) fn raise(signal: Signal) -> io::Result<()> {
    signal_hook::low_level::raise(signal.as_raw())
}
