//! The signals that end an instance while it runs. Before and after that, they have their previous effect.
//!
//! signal-hook never uninstalls its handler, because other handlers may have been chained to it. So the handler emulates the
//! default action of a signal while no instance watches: a program whose instance has ended can be terminated as before.

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
const STOP_SIGNALS: [i32; 3] = [SIGTERM, SIGINT, SIGHUP];

/// `true` while no instance of this process watches.
static UNWATCHED: AtomicBool = AtomicBool::new(true);

/// The state of the signals of this process.
static SIGNAL_STATE: Mutex<SignalState> = Mutex::new(SignalState { watches: 0, default: Vec::new() });

struct SignalState {
    /// Number of instances that watch.
    watches: usize,
    /// The signals that had their default action when the first instance started.
    default: Vec<i32>,
}

/// Watches the signals for one instance until it is dropped.
pub(crate) struct SignalWatch {
    signals: Signals,
    is_over: bool,
}

impl SignalWatch {
    /// Watches the signals that this process does not ignore.
    pub(crate) fn begin() -> io::Result<SignalWatch> {
        let mut state = signal_state();
        let (ignored, caught) = (signal_set("SigIgn"), signal_set("SigCgt"));
        let watched: Vec<i32> = STOP_SIGNALS.into_iter().filter(|signal| !contains(ignored, *signal)).collect();
        for &signal in watched.iter().filter(|signal| !contains(caught, **signal)) {
            register_conditional_default(signal, &UNWATCHED)?;
            state.default.push(signal);
        }
        let signals = Signals::new(watched)?;
        state.watches += 1;
        UNWATCHED.store(false, SeqCst);
        Ok(SignalWatch { signals, is_over: false })
    }

    /// Returns a handle that ends [`wait`](SignalWatch::wait).
    pub(crate) fn waker(&self) -> Handle {
        self.signals.handle()
    }

    /// Waits for a signal; returns `None` if the handle ended the wait.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.signals.forever().next()
    }

    /// Stops watching, and performs the default action of `signal` and, unless `drop_pending`, of the signals that have arrived
    /// since. If other instances watch, they have received the same signals, and the last one performs the actions.
    pub(crate) fn end(mut self, signal: Option<i32>, drop_pending: bool) {
        let default = self.restore_default_actions();
        let later: Vec<i32> = self.signals.pending().filter(|_| !drop_pending).collect();
        drop(self);
        for signal in signal.into_iter().chain(later).filter(|signal| default.contains(signal)) {
            let _ = emulate_default_handler(signal);
        }
    }

    /// Restores the default actions unless another instance watches. Returns the signals that have their default action again.
    fn restore_default_actions(&mut self) -> Vec<i32> {
        let mut state = signal_state();
        if !std::mem::replace(&mut self.is_over, true) {
            state.watches -= 1;
        }
        let is_last = state.watches == 0;
        UNWATCHED.store(is_last, SeqCst);
        if is_last { state.default.clone() } else { Vec::new() }
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.restore_default_actions();
    }
}

fn signal_state() -> MutexGuard<'static, SignalState> {
    lock(&SIGNAL_STATE)
}

/// Returns a signal set from `/proc/self/status`, such as `SigIgn`.
fn signal_set(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
}

fn contains(set: u64, signal: i32) -> bool {
    set >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_signals_are_read() {
        assert!(contains(0b100_0000_0000_0000, 15) && !contains(0b100_0000_0000_0000, 14));
        // SIGPIPE (13): the Rust runtime ignores it.
        assert!(contains(signal_set("SigIgn"), 13) && !contains(signal_set("SigIgn"), SIGTERM));
    }
}
