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

/// A tokio runtime that runs where this is asked.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuntimeHere {
    /// One of a single thread, this one.
    CurrentThread,
    /// One of several threads.
    MultiThread,
}

/// Returns which runtime runs here, if any does.
#[cfg(feature = "tokio")]
pub(crate) fn runtime_here() -> Option<RuntimeHere> {
    let flavor = tokio::runtime::Handle::try_current().ok()?.runtime_flavor();
    Some(match flavor {
        tokio::runtime::RuntimeFlavor::CurrentThread => RuntimeHere::CurrentThread,
        _ => RuntimeHere::MultiThread,
    })
}

/// Runs what blocks this thread until the process ends. A runtime that runs here moves its other tasks to other threads, if
/// it has any, and lets another runtime be built in this one.
#[cfg(feature = "tokio")]
pub(crate) fn blocking<T>(f: impl FnOnce() -> T) -> T {
    match runtime_here() {
        Some(RuntimeHere::MultiThread) => tokio::task::block_in_place(f),
        _ => f(),
    }
}

/// Runs what blocks this thread: no runtime of this library's can be here.
#[cfg(not(feature = "tokio"))]
pub(crate) fn blocking<T>(f: impl FnOnce() -> T) -> T {
    f()
}
