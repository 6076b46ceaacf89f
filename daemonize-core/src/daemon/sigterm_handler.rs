//! Detects a program that has replaced the daemon's SIGTERM handler.

use super::process_signals::{SignalSets, ThreadNames};
use crate::pid::Pid;
use crate::signal::Signal;
use crate::signals::STOPPING_THREAD_NAME;

/// Returns `true` if the process has taken SIGTERM but its daemon has not: the program has replaced the daemon's handler. Returns
/// `false` if `/proc` does not show that.
pub(super) fn is_handled_by_program(pid: Pid) -> bool {
    let signal = Signal::SIGTERM;
    // In this order: a daemon that takes the signal between the two checks is not mistaken for such a program.
    let is_taken = SignalSets::of(pid).is_ok_and(|sets| sets.is_caught(signal) && !sets.is_pending(signal));
    // The daemon's signal thread shows by its name that it has taken a stop signal.
    is_taken && ThreadNames::of(pid).is_ok_and(|names| !names.contain(STOPPING_THREAD_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_that_catches_nothing_does_not_handle_the_signal() {
        assert!(!is_handled_by_program(Pid::this()));
    }
}
