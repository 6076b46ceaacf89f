//! The slow path: starts the daemon, or waits for the daemon that exits, starts or does not answer, until it serves the client.

use super::attempt::{Attempt, SilentStream, Unserved};
use super::dial::failed;
use super::exit_wait::ExitWait;
use super::fast_path::{Dialed, dial_place};
use super::pause::Pauses;
use super::read_greeting::Reading;
use super::target::ConnectTarget;
use crate::directory::{Directory, SOCKET};
use crate::greeting::Greeting;
use crate::wedged::{GreetingProgress, GreetingWait};
use daemonize_core::status::State;
use daemonize_core::{ErrorKind, Pid, Result, Started, Status};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long a start may take from the lock of the pidfile to the socket before a client starts the daemon itself.
const BIND_TIMEOUT: Duration = Duration::from_millis(500);

/// A stream of a daemon that serves the client, and the start of that daemon if this client has started it.
pub(super) struct Served {
    pub(super) stream: UnixStream,
    pub(super) greeting: Greeting,
    pub(super) started: Option<Started>,
}

/// The slow path of one client.
pub(super) struct SlowPath<'a, S> {
    target: &'a ConnectTarget,
    directory: &'a Directory,
    start: S,
    started: Option<Started>,
    exit_wait: Option<ExitWait>,
    /// The end of the wait for a start that the pidfile announces.
    start_wait: Option<Instant>,
    pauses: Pauses,
    /// The reason why the client is not served yet, for the error at the deadline.
    reason: String,
}

impl<'a, S: Fn(Instant) -> Result<Started>> SlowPath<'a, S> {
    pub(super) fn new(target: &'a ConnectTarget, directory: &'a Directory, start: S) -> SlowPath<'a, S> {
        SlowPath {
            target,
            directory,
            start,
            started: None,
            exit_wait: None,
            start_wait: None,
            pauses: Pauses::default(),
            reason: String::from("it is not there"),
        }
    }

    /// Connects, beginning with the outcome of the fast path.
    pub(super) fn connect(mut self, first: Unserved) -> Result<Served> {
        let mut unserved = first;
        loop {
            if self.target.deadline.has_passed() {
                return Err(self.target.deadline.error(self.target.name(), &self.reason));
            }
            match self.attempt_after(unserved)? {
                Attempt::Served(stream, greeting) => {
                    return Ok(Served { stream, greeting, started: self.started });
                }
                Attempt::Unserved(why) => unserved = why,
            }
        }
    }

    /// Does what an unserved client has to do before the next attempt, and makes it.
    fn attempt_after(&mut self, unserved: Unserved) -> Result<Attempt> {
        if !matches!(unserved, Unserved::Absent) {
            (self.exit_wait, self.start_wait) = (None, None);
        }
        match unserved {
            Unserved::Silent(silent) => return self.wait_for_greeting(silent),
            Unserved::Absent => self.start_or_wait()?,
            Unserved::Closed => self.pause("it closed the connection before its greeting"),
            Unserved::Leaving(pid) => self.pause(&format!("pid {pid} exits")),
            Unserved::Full => self.pause("too many other clients wait for it"),
            Unserved::BacklogFull => self.pause("the backlog of its socket is full"),
        }
        let target = self.target;
        let until = target.deadline.within(target.on_demand.greeting_timeout);
        match dial_place(&target.daemon, self.directory, until)? {
            Dialed::Connected(silent) => silent.listen(target.name(), target.deadline),
            Dialed::Unserved(why) => Ok(Attempt::Unserved(why)),
        }
    }

    /// Waits for the greeting of a daemon that does not answer at once. One that is wedged is ended, and counts as closed.
    fn wait_for_greeting(&mut self, mut silent: SilentStream) -> Result<Attempt> {
        let target = self.target;
        let mut wait = GreetingWait::new(&target.daemon, &target.on_demand, target.deadline.at());
        loop {
            if wait.until_readable(silent.stream.as_fd())? == GreetingProgress::Ended {
                return Ok(Attempt::Unserved(Unserved::Closed));
            }
            match silent.reader.read_available(silent.stream.as_fd()) {
                Ok(Reading::Incomplete) => {}
                reading => return silent.judge(target.name(), reading),
            }
        }
    }

    /// Starts the daemon, or waits for the process that keeps a start from succeeding.
    fn start_or_wait(&mut self) -> Result<()> {
        match self.target.daemon.status()? {
            Status { state: State::Running, pid: Some(pid), .. } => self.wait_for_exit(pid),
            Status { state: State::Starting, .. } if self.start_wait.is_none_or(|end| Instant::now() < end) => {
                self.wait_for_start()
            }
            _ => self.start(),
        }
    }

    fn start(&mut self) -> Result<()> {
        (self.exit_wait, self.start_wait) = (None, None);
        match (self.start)(self.target.deadline.at()) {
            Ok(started) => {
                self.reason = format!("pid {} was started, but does not listen", started.pid);
                self.started = Some(started);
                Ok(())
            }
            Err(error) => match error.kind() {
                ErrorKind::AlreadyRunning { pid } => self.wait_for_exit(pid),
                // The lock of another start, of a stop, or of a child that has kept it: its release is no event.
                ErrorKind::Locked => {
                    self.pause(&error.to_string());
                    Ok(())
                }
                _ => Err(error),
            },
        }
    }

    /// Waits for a daemon that runs, but was not found to listen: it exits, was found in the moment before it listens, or has lost its socket.
    fn wait_for_exit(&mut self, pid: Pid) -> Result<()> {
        let target = self.target;
        if pid == Pid::this() {
            let why = "this process is the daemon, and does not listen any more: it cannot wait for its own end";
            return Err(failed(target.name(), ErrorKind::Unsupported, why));
        }
        self.reason = format!("pid {pid} runs, but does not listen");
        let system = |error: io::Error| failed(target.name(), ErrorKind::System, &error.to_string());
        match self.exit_wait.as_ref().filter(|wait| wait.pid() == pid) {
            // The next attempt looks again, now that no event is lost.
            None => self.exit_wait = ExitWait::begin(pid, self.directory).map_err(system)?,
            Some(wait) if wait.has_lost_socket(self.directory) => {
                self.exit_wait = None;
                target.stop()?;
            }
            Some(wait) => wait.wait(target.deadline).map_err(system)?,
        }
        Ok(())
    }

    /// Waits for a start that has locked the pidfile and has not bound the socket yet, which takes microseconds. Its launcher may have been
    /// killed there, so the wait ends, and a start of this client finds out.
    fn wait_for_start(&mut self) -> Result<()> {
        let target = self.target;
        self.reason = String::from("another process starts it");
        let end = *self.start_wait.get_or_insert_with(|| target.deadline.within(BIND_TIMEOUT));
        let Ok(watch) = self.directory.watch() else {
            self.pauses.sleep(target.deadline);
            return Ok(());
        };
        // The socket may have been bound before the watch began.
        if self.directory.all().any(|place| place.path().join(SOCKET).symlink_metadata().is_ok()) {
            return Ok(());
        }
        watch.wait(end).map(drop).map_err(|error| failed(target.name(), ErrorKind::System, &error.to_string()))
    }

    fn pause(&mut self, reason: &str) {
        self.reason = reason.to_owned();
        self.pauses.sleep(self.target.deadline);
    }
}
