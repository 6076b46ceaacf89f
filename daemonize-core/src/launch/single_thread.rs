//! Checks that this process has one thread and no event loop, because `fork(2)` carries neither over to the daemon.

#[cfg(feature = "tokio")]
use crate::body;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::settings::{Detach, Settings};
use crate::sys::fds;
use crate::sys::fork::Alone;
use std::fs;
use std::os::fd::RawFd;

/// Returns `true` if a launch with these settings forks in no environment: threads and runtimes may exist then.
pub(super) fn never_forks(settings: &Settings) -> bool {
    settings.detach == Detach::Never
}

/// Fails if a tokio runtime runs in this thread: its threads would not exist in the daemon, which builds its own after the fork.
///
/// A launch that never forks fails only with an async body inside a single-threaded runtime: one thread cannot run two runtimes.
#[cfg(feature = "tokio")]
pub(super) fn refuse_runtime(settings: &Settings) -> Result<()> {
    let text = match body::current_runtime() {
        None => return Ok(()),
        Some(body::CurrentRuntime::MultiThread) if never_forks(settings) => return Ok(()),
        Some(body::CurrentRuntime::CurrentThread) if never_forks(settings) && !settings.awaits => return Ok(()),
        Some(body::CurrentRuntime::CurrentThread) if never_forks(settings) => {
            "failed to start: a tokio runtime of one thread runs here, and the daemon's `async fn` needs its own: call \
             `foreground` from a plain `fn main`, or from a runtime of several threads"
        }
        Some(_) => {
            "failed to start: a tokio runtime runs here: start the daemon from a plain `fn main` (no `#[tokio::main]`), and \
             make the daemon's own function an `async fn`; only `foreground`, which does not fork, may be called here"
        }
    };
    Err(Error::new(ErrorKind::Runtime, text))
}

/// Fails if one of this process's own descriptors belongs to an event loop.
///
/// After a fork two processes would share the kernel object, and each would take events of the other (`epoll(7)`). The descriptor
/// shows an event loop even if it has no thread of its own.
pub(super) fn refuse_event_loops(own: &[RawFd], settings: &Settings) -> Result<()> {
    for fd in own.iter().filter(|fd| !settings.inherit.contains(fd)) {
        let Some(kind) = fds::anonymous_kind(*fd) else { continue };
        if ["eventpoll", "io_uring"].contains(&kind.as_str()) {
            let text = format!(
                "failed to start: this process has an event loop (descriptor {fd}, {kind}): start the daemon before any \
                 asynchronous runtime, or pass the event loop on with `inherit = [{fd}]`"
            );
            return Err(Error::new(ErrorKind::Runtime, text));
        }
    }
    Ok(())
}

/// Returns the proof that this process has one thread.
///
/// # Errors
/// It has more: after a fork the other threads would not exist, but locks that they held would stay locked (`fork(2)`).
pub(super) fn require_single_thread() -> Result<Alone> {
    let counted = Alone::prove().map_err(|error| {
        Error::new(ErrorKind::Threads, format!("failed to count the threads in `/proc/self/task`: {}", cause(&error)))
    })?;
    counted.map_err(|count| {
        let names = thread_names().join(", ");
        Error::new(
            ErrorKind::Threads,
            format!(
                "failed to start: this process has {count} threads ({names}); start the daemon before any other thread. Is one a logger's? \
                 Set up logging in the daemon's own function: `daemon::logging::init()` needs no thread"
            ),
        )
    })
}

/// Returns the proof that this process has one thread; `None` if it has more, or if they cannot be counted.
pub(super) fn find_single_thread() -> Option<Alone> {
    Alone::prove().ok().and_then(std::result::Result::ok)
}

fn thread_names() -> Vec<String> {
    let mut names = Vec::new();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten() {
        let name = task.and_then(|task| fs::read_to_string(task.path().join("comm")));
        names.extend(name.map(|name| format!("`{}`", name.trim_end())));
    }
    names
}
