//! The nine stages of a launch: their names and their order.

use std::fmt;

/// One of the nine steps between an ordinary process and a daemon, in the order in which they run.
///
/// Each can be hooked: [`Daemon::before`](crate::Daemon::before), [`after`](crate::Daemon::after) and
/// [`replace`](crate::Daemon::replace).
///
/// ```
/// use daemon::settings::Stage;
///
/// assert!(Stage::Identity < Stage::PidFile);
/// assert_eq!(Stage::WorkingDirectory.to_string(), "WorkingDirectory");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Two forks and a session of its own (`fork(2)`, `setsid(2)`): no terminal can reach the daemon any more.
    Detach,
    /// Core dumps off (`setrlimit(2)`, `RLIMIT_CORE`), unless `core_dumps` is set.
    CoreDumps,
    /// `chroot(2)`, groups, user; proven irreversible.
    Identity,
    /// `umask(2)`, 0o077 unless set.
    Umask,
    /// `chdir(2)` to `/` unless set.
    WorkingDirectory,
    /// Who we are, written into the locked pidfile.
    PidFile,
    /// Dispositions reset, handlers registered (`sigaction(2)`).
    Signals,
    /// Descriptors that leaked in through `exec` closed.
    Descriptors,
    /// Standard streams on `/dev/null`, or wherever they were configured to go.
    Stdio,
}

impl Stage {
    /// All stages, in the order in which they run.
    pub const ALL: [Stage; 9] = [
        Stage::Detach,
        Stage::CoreDumps,
        Stage::Identity,
        Stage::Umask,
        Stage::WorkingDirectory,
        Stage::PidFile,
        Stage::Signals,
        Stage::Descriptors,
        Stage::Stdio,
    ];
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
