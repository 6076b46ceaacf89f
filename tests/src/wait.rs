//! Waits for events; each wait has a deadline.

use std::fmt;
use std::fs;
use std::iter;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use crate::sys;

/// A moment at which a wait ends.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// Returns the deadline `time` from now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// Returns the time left, zero after the deadline.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Returns `true` after the deadline.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// Returns the time left for poll(2), rounded up, so that a poll never returns before the deadline.
    pub(crate) fn poll_timeout(self) -> PollTimeout {
        let milliseconds = self.left().as_micros().div_ceil(1000);
        PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
    }
}

/// Returns the time of `CLOCK_MONOTONIC`, which all processes share and no process sets.
///
/// # Panics
/// Never: every kernel has this clock.
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock").into()
}

/// The error of a wait whose event did not happen before the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing happened before the deadline")
    }
}

impl std::error::Error for TimedOut {}

/// Waits until process `pid` is dead. Reaps it and returns its status if it is a child of this process.
pub fn death(pid: i32, deadline: Deadline) -> Result<Option<WaitStatus>, TimedOut> {
    if let Ok(pidfd) = sys::pidfd_open(pid) {
        if !readable(&[pidfd.as_fd()], deadline)[0] {
            return Err(TimedOut);
        }
    }
    Ok(reap(pid))
}

/// Waits until every one of these processes is dead.
pub fn deaths(pids: &[i32], deadline: Deadline) -> Result<(), TimedOut> {
    pids.iter().try_for_each(|&pid| death(pid, deadline).map(drop))
}

/// Waits until at least one of these processes is dead.
pub fn first_death(pids: &[i32], deadline: Deadline) -> Result<(), TimedOut> {
    let pidfds: Vec<OwnedFd> = pids.iter().filter_map(|&pid| sys::pidfd_open(pid).ok()).collect();
    let one_is_gone = pidfds.len() < pids.len();
    let all: Vec<BorrowedFd<'_>> = pidfds.iter().map(AsFd::as_fd).collect();
    if one_is_gone || readable(&all, deadline).contains(&true) { Ok(()) } else { Err(TimedOut) }
}

/// Reaps a dead child that no other code waits for; ignores any other process.
pub(crate) fn reap_if_dead(pid: i32) {
    let _ = reap(pid);
}

/// Waits until the file at `path` satisfies `holds`, and returns its content.
pub fn file(path: &Path, deadline: Deadline, holds: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, TimedOut> {
    until(path, deadline, || fs::read(path).ok().filter(|content| holds(content)))
}

/// Calls `question` after every change in the directory of `path` (which need not exist), until it returns an answer.
///
/// # Panics
/// If the directory cannot be watched.
pub fn until<T>(path: &Path, deadline: Deadline, mut question: impl FnMut() -> Option<T>) -> Result<T, TimedOut> {
    until_with_deaths(path, deadline, || question().ok_or_else(Vec::new))
}

/// Calls `question` after every change in the directory of `path`, and after the death of any process that its last
/// error named, until it returns an answer.
///
/// # Panics
/// If the directory cannot be watched.
pub fn until_with_deaths<T>(
    path: &Path,
    deadline: Deadline,
    mut question: impl FnMut() -> Result<T, Vec<i32>>,
) -> Result<T, TimedOut> {
    let changes = watch(path.parent().expect("a path with a directory"));
    loop {
        let pids = match question() {
            Ok(answer) => return Ok(answer),
            Err(pids) => pids,
        };
        let pidfds: Vec<OwnedFd> = pids.iter().filter_map(|&pid| sys::pidfd_open(pid).ok()).collect();
        let all: Vec<BorrowedFd<'_>> = iter::once(changes.as_fd()).chain(pidfds.iter().map(AsFd::as_fd)).collect();
        let process_is_gone = pidfds.len() < pids.len() && !deadline.passed();
        if !process_is_gone && !readable(&all, deadline).contains(&true) {
            return Err(TimedOut);
        }
        // Drains all events; EAGAIN means that the directory did not change.
        let _ = changes.read_events();
    }
}

/// Returns an inotify descriptor that becomes readable after a change in this directory.
fn watch(directory: &Path) -> Inotify {
    let deadline = Deadline::after(Duration::from_secs(30));
    let changes = loop {
        match Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK) {
            // A user has 128 inotify instances by default, which all tests share: others are closed soon.
            Err(Errno::EMFILE) if !deadline.passed() => thread::sleep(Duration::from_millis(5)),
            changes => break changes.expect("an inotify instance"),
        }
    };
    let kinds = AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_MODIFY
        | AddWatchFlags::IN_ATTRIB
        | AddWatchFlags::IN_MOVE;
    changes
        .add_watch(directory, kinds)
        .unwrap_or_else(|error| panic!("failed to watch `{}`: {error}", directory.display()));
    changes
}

/// Returns for each descriptor whether it is readable (or at its end) by the deadline.
pub(crate) fn readable(fds: &[BorrowedFd<'_>], deadline: Deadline) -> Vec<bool> {
    let mut asked: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    loop {
        match poll(&mut asked, deadline.poll_timeout()) {
            Err(Errno::EINTR) => {}
            Ok(0) if !deadline.passed() => {}
            _ => return asked.iter().map(|fd| fd.any().unwrap_or(false)).collect(),
        }
    }
}

/// Reaps a dead child; other processes have their own parent.
fn reap(pid: i32) -> Option<WaitStatus> {
    match waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::StillAlive) | Err(_) => None,
        Ok(status) => Some(status),
    }
}
