//! The new process as the starting one sees it: the outcome of the launch comes over the link, never from its wait status, which other
//! code of the starting process may take (`waitpid(2)` with -1), or which the kernel drops if SIGCHLD is ignored.

use crate::exec_error::{died, system, timed_out};
use crate::link::{Link, Message};
use crate::memory_file;
use daemonize_core::{Error, Result, Started, relay};
use daemonize_sys::error::cause;
use daemonize_sys::pidfd::{PidFd, timeout_until};
use daemonize_sys::signal::Signal;
use daemonize_sys::wait::{Ended, reap_process};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long the new process may take to exit after it has reported the outcome, or was killed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the session leader may take to undo the start of a launcher that was killed: it kills the daemon, and removes the files.
const UNDO_TIMEOUT: Duration = Duration::from_secs(3);

/// The exit status of the dynamic loader if a library is missing.
const LOADER_FAILED: Ended = Ended::Status(127);

/// The new process, a child of this one.
pub(crate) struct NewProcess {
    name: String,
    link: Link,
    process: PidFd,
}

/// An event of the new process.
enum Event {
    Message(Message),
    /// It has ended, or all of its processes have closed the link.
    Ended,
    TimedOut,
}

impl NewProcess {
    /// Returns the process that launches the daemon `name`, at the other end of the link.
    pub(crate) fn new(name: &str, link: Link, process: PidFd) -> NewProcess {
        NewProcess { name: name.to_owned(), link, process }
    }

    /// Returns the outcome of the launch. The process has until `ready` to call [`init`](crate::init), and until `deadline` for the
    /// outcome; then it is killed, and the start undone. Leaves neither the process nor a zombie.
    pub(crate) fn outcome(self, ready: Instant, deadline: Option<Instant>) -> Result<Started> {
        let outcome = self.wait(ready, deadline).unwrap_or_else(|error| Err(self.failed(&error)));
        if !self.process.wait(Instant::now() + EXIT_TIMEOUT).unwrap_or(false) {
            self.kill();
        }
        let _ = reap_process(&self.process);
        outcome
    }

    fn wait(&self, ready: Instant, deadline: Option<Instant>) -> io::Result<Result<Started>> {
        let mut limit = Some(deadline.map_or(ready, |deadline| deadline.min(ready)));
        let mut is_ready = false;
        loop {
            match self.next(limit)? {
                Event::Message(Message::Ready) => (is_ready, limit) = (true, deadline),
                Event::Message(Message::Outcome(file)) => return decode(file),
                Event::Message(Message::Request(..)) => return Err(io::Error::other("it sent a request")),
                Event::Ended => return Ok(Err(self.describe_end(is_ready))),
                Event::TimedOut => {
                    self.kill();
                    // It may have reported the outcome in this moment.
                    if let Ok(Some(Message::Outcome(file))) = self.link.receive() {
                        return decode(file);
                    }
                    self.wait_until_undone();
                    return Ok(Err(self.describe_timeout(is_ready)));
                }
            }
        }
    }

    /// Returns the next event. A message that was sent before the process ended comes first.
    fn next(&self, limit: Option<Instant>) -> io::Result<Event> {
        loop {
            let mut fds = [self.link.as_fd(), self.process.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            match poll(&mut fds, limit.map_or(PollTimeout::NONE, timeout_until)) {
                Ok(0) if limit.is_some_and(|limit| Instant::now() >= limit) => return Ok(Event::TimedOut),
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            let has_ended = fds[1].any() == Some(true);
            match self.link.receive() {
                Ok(Some(message)) => return Ok(Event::Message(message)),
                Ok(None) => return Ok(Event::Ended),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if has_ended {
                return Ok(Event::Ended);
            }
        }
    }

    fn kill(&self) {
        let _ = self.process.send(Signal::SIGKILL);
        let _ = self.process.wait(Instant::now() + EXIT_TIMEOUT);
    }

    /// Waits until the session leader of a dead launcher has undone the start: it holds the link as long as it exists.
    fn wait_until_undone(&self) {
        let limit = Instant::now() + UNDO_TIMEOUT;
        loop {
            let mut fds = [PollFd::new(self.link.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout_until(limit)) {
                Ok(0) if Instant::now() >= limit => return,
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(_) => return,
            }
            match self.link.receive() {
                Ok(Some(_)) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn failed(&self, error: &io::Error) -> Error {
        self.kill();
        self.wait_until_undone();
        system(&self.name, "receive the outcome from the new process", cause(error))
    }

    fn describe_timeout(&self, is_ready: bool) -> Error {
        let why = if is_ready {
            "the deadline has passed: the launcher was killed, and the start undone"
        } else {
            "the new process did not call `daemon::init()` in time, and was killed: make it the first statement of `main`"
        };
        timed_out(&self.name, why)
    }

    /// Describes how the process ended that has reported no outcome.
    fn describe_end(&self, is_ready: bool) -> Error {
        // All of its processes may have closed the link, and go on.
        if !self.process.wait(Instant::now() + EXIT_TIMEOUT).unwrap_or(false) {
            self.kill();
        }
        self.wait_until_undone();
        let name = &self.name;
        let advice = if is_ready {
            "before the daemon was ready"
        } else {
            "without calling `daemon::init()`: make it the first statement of `main`"
        };
        match reap_process(&self.process) {
            None => died(
                name,
                format_args!("the new process ended {advice}; other code of this process has taken its status"),
            ),
            Some(ended) if ended == LOADER_FAILED && !is_ready => died(
                name,
                format_args!(
                    "the new process {ended}: if a library was not found, name the loader's variables in `environment`"
                ),
            ),
            Some(ended @ Ended::Signal(_)) => died(name, format_args!("the new process {ended}")),
            Some(ended) => died(name, format_args!("the new process {ended} {advice}")),
        }
    }
}

/// Reads the outcome that the new process has reported.
fn decode(file: OwnedFd) -> io::Result<Result<Started>> {
    let bytes = memory_file::read(file, relay::ENCODED_LIMIT)?;
    relay::decode(&bytes).ok_or_else(|| io::Error::other("it is not understood"))
}
