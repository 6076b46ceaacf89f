//! Signals that end a program which has not asked for them: a monitor ignores them, and logs that.

use super::Engine;
use crate::sys::dispositions::is_default;
use crate::sys::stray::Came;
use daemonize_core::{Pid, Signal};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Signals that come within this time of the last line about some are told of together.
const INTERVAL: Duration = Duration::from_secs(10);

/// Not a bot's moment: signals may have come that are not told of yet.
pub(super) const UNTOLD_SIGNALS: (usize, u32) = (usize::MAX, 2);

/// Signals whose default action ends a program, but for the realtime ones. Those of a faulty instruction are left out, since
/// the instruction would be run again, and those that stop a daemon or make it reload.
const DEADLY: [Signal; 11] = [
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGPIPE,
    Signal::SIGIO,
    Signal::SIGVTALRM,
    Signal::SIGPROF,
    Signal::SIGXCPU,
    Signal::SIGXFSZ,
    Signal::SIGSTKFLT,
    Signal::SIGPWR,
];

/// Returns the signals that end a program by default and mean nothing to a monitor.
pub(crate) fn deadly() -> impl Iterator<Item = Signal> {
    DEADLY.into_iter().chain((libc::SIGRTMIN()..=libc::SIGRTMAX()).map(Signal::from))
}

/// Returns those that nothing in this program handles or ignores.
pub(super) fn unclaimed(signals: Vec<Signal>) -> impl Iterator<Item = Signal> {
    signals.into_iter().filter(|signal| is_default(*signal))
}

impl Engine {
    /// Logs signals that have come: at once, or, where some were logged a moment ago, when their time has passed.
    pub(super) fn take_stray_signals(&mut self) {
        if self.stray_signals_again.is_none_or(|again| again <= Instant::now()) {
            self.log_stray_signals();
        }
    }

    /// Logs signals that have come, if any have, and looks again after a while.
    pub(super) fn log_stray_signals(&mut self) {
        let came = self.stray_signals.take();
        // The write to a closed pipe, or beyond a limit, has failed, and is told of where it was done.
        let is_told = |came: &&Came| {
            let is_our_own = came.sender.is_some_and(|(pid, _)| pid == Pid::this().as_raw());
            !(is_our_own && matches!(came.signal, Signal::SIGPIPE | Signal::SIGXFSZ))
        };
        for came in came.iter().filter(is_told) {
            log::warn!("{}", line(came));
        }
        self.stray_signals_again = (!came.is_empty()).then(|| Instant::now() + INTERVAL);
        if let Some(again) = self.stray_signals_again {
            self.timers.set(again, UNTOLD_SIGNALS);
        }
    }
}

fn line(came: &Came) -> String {
    let mut line = match came.count {
        1 => format!("ignored {}", came.signal),
        count => format!("ignored {count} signals {}, the last one", came.signal),
    };
    let _ = match came.sender {
        None => write!(line, " from the kernel"),
        Some((0, uid)) => write!(line, " from a process outside of this pid namespace, of user {uid}"),
        Some((pid, uid)) => write!(line, " from process {pid} of user {uid}"),
    };
    line.push_str(": it means nothing to a monitor; TERM shuts it down, HUP reloads its configuration");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_names_signal_and_sender() {
        let line = |count, sender| line(&Came { signal: Signal::SIGUSR1, count, sender });
        assert!(line(1, Some((7, 1000))).starts_with("ignored SIGUSR1 from process 7 of user 1000: it means nothing"));
        assert!(line(3, None).starts_with("ignored 3 signals SIGUSR1, the last one from the kernel:"));
        assert!(line(1, Some((0, 0))).contains("from a process outside of this pid namespace, of user 0"));
    }
}
