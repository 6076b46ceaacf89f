//! Finds other threads and event loops of this process, which a fork would not carry over.

#[cfg(feature = "tokio")]
use crate::body;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::settings::{Detach, Settings};
use crate::sys::fds;
use crate::sys::fork::Alone;
use std::fs;
use std::os::fd::RawFd;

/// Returns `true` if a launch with these settings stays in this process, wherever it runs: then threads and runtimes may be here.
pub(super) fn never_forks(settings: &Settings) -> bool {
    settings.detach == Detach::Never
}

/// A runtime that runs already is not the daemon's, which is built after the fork. Where there is no fork, only an async body
/// minds one, if it has one thread: that thread would have to run two runtimes.
#[cfg(feature = "tokio")]
pub(super) fn refuse_runtime(settings: &Settings) -> Result<()> {
    let text = match body::runtime_here() {
        None => return Ok(()),
        Some(body::RuntimeHere::MultiThread) if never_forks(settings) => return Ok(()),
        Some(body::RuntimeHere::CurrentThread) if never_forks(settings) && !settings.awaits => return Ok(()),
        Some(body::RuntimeHere::CurrentThread) if never_forks(settings) => {
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

/// An event loop that exists before the fork would have two processes wait with one kernel object, each for what is the
/// other's. Its descriptor betrays it, also where it has no thread of its own.
pub(super) fn refuse_event_loops(own: &[RawFd], settings: &Settings) -> Result<()> {
    let is_loop = |kind: &String| ["eventpoll", "io_uring"].contains(&kind.as_str());
    let candidates = own.iter().filter(|fd| !settings.inherit.contains(fd));
    let mut found = candidates.filter_map(|fd| fds::anonymous_kind(*fd).filter(is_loop).map(|kind| (fd, kind)));
    found.next().map_or(Ok(()), |(fd, kind)| {
        let text = format!(
            "failed to start: an event loop lives in this process (descriptor {fd}, {kind}): start the daemon before any \
             asynchronous runtime, or say that it is wanted with `inherit = [{fd}]`"
        );
        Err(Error::new(ErrorKind::Runtime, text))
    })
}

/// A process with more than one thread cannot fork and go on: the others would be missing, with their locks held.
pub(super) fn prove_alone() -> Result<Alone> {
    let alone = Alone::prove().map_err(|error| {
        Error::new(ErrorKind::Threads, format!("failed to count the threads in `/proc/self/task`: {}", cause(&error)))
    })?;
    alone.map_err(|count| {
        let names = thread_names().join(", ");
        Error::new(
            ErrorKind::Threads,
            format!(
                "failed to start: this process has {count} threads ({names}); start the daemon before any other thread"
            ),
        )
    })
}

/// Returns the proof that this process has one thread; `None` if it has more, or if that cannot be said.
pub(super) fn find_out_alone() -> Option<Alone> {
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
