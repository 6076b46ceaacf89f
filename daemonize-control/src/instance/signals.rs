//! The signals that end an instance, for as long as there is one; before and after, they do what they did without.
//!
//! signal-hook keeps its handler for the rest of the process, so that nobody else's is lost. What a signal did by default
//! it therefore does out of that handler while no instance watches: a program that had one can be ended as before.

use daemonize_sys::mutex::lock;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard};

/// The signals that end an instance.
const ENDING: [i32; 3] = [SIGTERM, SIGINT, SIGHUP];

/// No instance of this process watches.
static UNWATCHED: AtomicBool = AtomicBool::new(true);

/// What is known of this process's signals.
static KNOWN: Mutex<Known> = Mutex::new(Known { watches: 0, default: Vec::new() });

struct Known {
    /// How many instances watch.
    watches: usize,
    /// Those that nobody had said anything about when the first instance came.
    default: Vec<i32>,
}

/// The signals of one instance, watched until this is dropped.
pub(crate) struct Watch {
    signals: Signals,
    is_over: bool,
}

impl Watch {
    /// Watches those that this process does not ignore.
    pub(crate) fn begin() -> io::Result<Watch> {
        let mut known = known();
        let (ignored, caught) = (set("SigIgn"), set("SigCgt"));
        let heard: Vec<i32> = ENDING.into_iter().filter(|signal| !is_in(ignored, *signal)).collect();
        for &signal in heard.iter().filter(|signal| !is_in(caught, **signal)) {
            register_conditional_default(signal, &UNWATCHED)?;
            known.default.push(signal);
        }
        let signals = Signals::new(heard)?;
        known.watches += 1;
        UNWATCHED.store(false, SeqCst);
        Ok(Watch { signals, is_over: false })
    }

    /// Ends [`wait`](Watch::wait).
    pub(crate) fn waker(&self) -> Handle {
        self.signals.handle()
    }

    /// Waits until one of them comes, or until it is woken.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.signals.forever().next()
    }

    /// Watches no more. `signal` does what it would have done without an instance, and so does what has come since
    /// unless that is `forgiven`. Where another instance watches, it has heard the same, and the last one does it.
    pub(crate) fn end(mut self, signal: Option<i32>, forgiven: bool) {
        let default = self.forsake();
        let later: Vec<i32> = self.signals.pending().filter(|_| !forgiven).collect();
        drop(self);
        for signal in signal.into_iter().chain(later).filter(|signal| default.contains(signal)) {
            let _ = emulate_default_handler(signal);
        }
    }

    /// Unless another instance watches, signals do again what they did before; those that do it by default.
    fn forsake(&mut self) -> Vec<i32> {
        let mut known = known();
        if !std::mem::replace(&mut self.is_over, true) {
            known.watches -= 1;
        }
        let is_last = known.watches == 0;
        UNWATCHED.store(is_last, SeqCst);
        if is_last { known.default.clone() } else { Vec::new() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.forsake();
    }
}

fn known() -> MutexGuard<'static, Known> {
    lock(&KNOWN)
}

/// One of the sets of signals in `/proc/self/status`.
fn set(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
}

fn is_in(set: u64, signal: i32) -> bool {
    set >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_signals_are_read() {
        assert!(is_in(0b100_0000_0000_0000, 15) && !is_in(0b100_0000_0000_0000, 14));
        // SIGPIPE (13): the runtime of every Rust program ignores it.
        assert!(is_in(set("SigIgn"), 13) && !is_in(set("SigIgn"), SIGTERM));
    }
}
