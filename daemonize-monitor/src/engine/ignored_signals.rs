//! Signals that terminate a program by default and mean nothing to a monitor: they are ignored and logged.

use daemonize_core::{Pid, Signal};
use daemonize_sys::signal_counters::{SignalCount, SignalCounters};
use daemonize_sys::signal_disposition::is_default;
use std::fmt::Write;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The shortest time between two lines about ignored signals; those in between are reported together.
const INTERVAL: Duration = Duration::from_secs(10);

/// Signals whose default action ends a program, but for the realtime ones. Those of a faulty instruction are left out, since
/// the instruction would be run again, and those that stop a daemon or make it reload.
const FATAL_BY_DEFAULT: [Signal; 11] = [
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
pub(crate) fn fatal_by_default() -> impl Iterator<Item = Signal> {
    FATAL_BY_DEFAULT.into_iter().chain(Signal::realtime())
}

/// Logs signals that mean nothing to a monitor.
pub(super) struct IgnoredSignalLog {
    signals: SignalCounters,
    /// When signals are logged again; until then they are only counted.
    next: Option<Instant>,
}

impl IgnoredSignalLog {
    /// Listens for those of these signals that nothing in this program handles or ignores.
    pub(super) fn listen(signals: Vec<Signal>) -> io::Result<IgnoredSignalLog> {
        let unclaimed = signals.into_iter().filter(|signal| is_default(*signal));
        Ok(IgnoredSignalLog { signals: SignalCounters::listen(unclaimed)?, next: None })
    }

    /// Returns the descriptor that is readable when signals have come.
    pub(super) fn event(&self) -> impl AsFd {
        self.signals.event()
    }

    /// Returns `true` if no signals were logged a moment ago, so that new ones are logged at once.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| next <= now)
    }

    /// Logs the signals that have come. Returns when to do that again, if any have.
    pub(super) fn log(&mut self, now: Instant) -> Option<Instant> {
        let came = self.signals.take();
        // The write to a closed pipe, or beyond a limit, has failed, and is reported where it was done.
        let is_told = |came: &&SignalCount| {
            let is_our_own = came.sender.is_some_and(|(pid, _)| pid == Pid::this().as_raw());
            !(is_our_own && matches!(came.signal, Signal::SIGPIPE | Signal::SIGXFSZ))
        };
        for came in came.iter().filter(is_told) {
            log::warn!("{}", line(came));
        }
        self.next = (!came.is_empty()).then(|| now + INTERVAL);
        self.next
    }
}

fn line(came: &SignalCount) -> String {
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
        let line = |count, sender| line(&SignalCount { signal: Signal::SIGUSR1, count, sender });
        assert!(line(1, Some((7, 1000))).starts_with("ignored SIGUSR1 from process 7 of user 1000: it means nothing"));
        assert!(line(3, None).starts_with("ignored 3 signals SIGUSR1, the last one from the kernel:"));
        assert!(line(1, Some((0, 0))).contains("from a process outside of this pid namespace, of user 0"));
    }
}
