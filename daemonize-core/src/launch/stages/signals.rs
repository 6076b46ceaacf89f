//! Stage `Signals`: resets inherited signal dispositions, and sets the daemon's own (`sigaction(2)`, `signal(7)`).
//!
//! Handlers are registered later, before the body begins: until then their signals stay blocked, and a signal that comes meanwhile
//! stays pending.

use crate::launch::daemon::StartingDaemon;
use crate::signal::Signal;
use crate::sys::signal_disposition::{self, Disposition};
use crate::sys::signal_mask::Mask;

/// Job control signals of a terminal, which a detached daemon does not have.
const TERMINAL_SIGNALS: [Signal; 3] = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];

pub(super) fn run(daemon: &mut StartingDaemon) {
    // Ignored signals stay ignored through fork(2) and execve(2): `nohup` ignores SIGHUP, for example, and a daemon would never
    // reload. Handlers that the program has registered itself stay.
    let inherited = match daemon.ignored.take() {
        Some(ignored) if !daemon.runs_user_code => ignored,
        _ => signal_disposition::ignored(),
    };
    let signals = &daemon.launch.preflight.settings.signals;
    // A write to a closed pipe fails with EPIPE instead of killing the daemon, as in every Rust program.
    let mut ignored = vec![Signal::SIGPIPE];
    if daemon.launch.preflight.detached {
        ignored.extend(TERMINAL_SIGNALS);
    }
    ignored.retain(|signal| !signals.mentions(*signal));
    ignored.extend(signals.ignored());
    let defaults = signals.with_default_action().chain(inherited);
    for signal in defaults.filter(|signal| !ignored.contains(signal)) {
        signal_disposition::set(signal, Disposition::Default);
    }
    for signal in &ignored {
        signal_disposition::set(*signal, Disposition::Ignore);
    }
    daemon.handled = signals.handled();
    // L1: ends the block of all signals, except for those that the signal thread will take.
    Mask::of(daemon.handled.iter().copied()).set();
}
