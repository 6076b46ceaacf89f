//! What runs when a signal comes, whatever it interrupts.

use crate::signal::Signal;
use nix::sys::eventfd::EventFd;
use signal_hook::low_level::{emulate_default_handler, register};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Has a signal raise `flag` and `event` (`sigaction(2)` through signal-hook, beside what others have registered); once
/// nobody looks any more (`forsaken`), it does what it does by default.
pub(crate) fn raise(
    signal: Signal,
    flag: Arc<AtomicBool>,
    event: Arc<EventFd>,
    forsaken: Arc<AtomicBool>,
) -> io::Result<()> {
    let number = signal.as_raw();
    let action = move || {
        if forsaken.load(SeqCst) {
            let _ = emulate_default_handler(number);
        } else {
            flag.store(true, SeqCst);
            let _ = event.write(1);
        }
    };
    // SAFETY: atomics, write(2) and signal-hook's own emulation are async-signal-safe; nothing is allocated or unwinds,
    // and signal-hook keeps errno.
    unsafe { register(number, action) }.map(drop)
}
