//! The kind of tokio runtime of an async body, and the runtime of the calling thread.

/// The kind of runtime that is built: see `Daemon::runtime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runtime {
    /// Runs tasks in several threads.
    #[default]
    MultiThread,
    /// Runs every task in the main thread of the daemon.
    CurrentThread,
}

/// The kind of the tokio runtime in which the calling thread runs.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CurrentRuntime {
    /// A runtime of this thread only.
    CurrentThread,
    /// A runtime of several threads.
    MultiThread,
}

/// Returns the kind of runtime in which the calling thread runs, if it does.
#[cfg(feature = "tokio")]
pub(crate) fn current_runtime() -> Option<CurrentRuntime> {
    let flavor = tokio::runtime::Handle::try_current().ok()?.runtime_flavor();
    Some(match flavor {
        tokio::runtime::RuntimeFlavor::CurrentThread => CurrentRuntime::CurrentThread,
        _ => CurrentRuntime::MultiThread,
    })
}

/// Runs a function that blocks this thread until the process ends. Inside a multi-thread runtime, moves the other tasks of the
/// thread to other threads, and permits that the function builds a runtime of its own (`tokio::task::block_in_place`).
#[cfg(feature = "tokio")]
pub(crate) fn run_blocking<T>(f: impl FnOnce() -> T) -> T {
    match current_runtime() {
        Some(CurrentRuntime::MultiThread) => tokio::task::block_in_place(f),
        _ => f(),
    }
}

/// Runs a function that blocks this thread.
#[cfg(not(feature = "tokio"))]
pub(crate) fn run_blocking<T>(f: impl FnOnce() -> T) -> T {
    f()
}
