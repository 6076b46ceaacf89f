//! The nine stages of a launch: their names and their order.

use std::fmt;

/// One of the nine stages of a launch, in the order in which they run.
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
    /// Forks twice and makes a session (`fork(2)`, `setsid(2)`): the daemon has no controlling terminal.
    Detach,
    /// Disables core dumps (`setrlimit(2)`, `RLIMIT_CORE`), unless `core_dumps` is set.
    CoreDumps,
    /// Changes root directory, groups and user (`chroot(2)`, `credentials(7)`), and verifies that the change is irreversible.
    Identity,
    /// Sets the file mode creation mask (`umask(2)`), 0o077 unless set.
    Umask,
    /// Changes the working directory (`chdir(2)`), to `/` unless set.
    WorkingDirectory,
    /// Writes the daemon's identity into the locked pidfile.
    PidFile,
    /// Resets signal dispositions and registers handlers (`sigaction(2)`).
    Signals,
    /// Closes descriptors that were inherited through `execve(2)`.
    Descriptors,
    /// Redirects the standard streams (`dup2(2)`), to `/dev/null` unless set.
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
