//! The process with which a daemon ends.

/// The process whose end stops the daemon: see [`Daemon::ends_with`](crate::Daemon::ends_with).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndsWith {
    /// The process that starts the daemon. If that process exits as soon as the daemon is ready (an annotated `main`,
    /// [`activate`](crate::Daemon::activate)), or does not detach, it is the parent of that process.
    Parent,
    /// The parent of the process that starts the daemon: for a program with a command line of its own, whose `start` exits as soon
    /// as the daemon is ready.
    LauncherParent,
}
