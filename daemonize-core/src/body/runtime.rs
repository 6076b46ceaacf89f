//! Which runtime an async body runs in.

/// Which runtime is built: see `Daemon::runtime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runtime {
    /// One that runs tasks in several threads.
    #[default]
    MultiThread,
    /// One that runs every task in the daemon's first thread.
    CurrentThread,
}
