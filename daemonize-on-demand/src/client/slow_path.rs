//! The slow path: starts the daemon, or waits for the daemon that exits, starts or does not answer, until it serves the client.

use super::attempt::{Attempt, SilentStream, Unserved};
use super::dial::failed;
use super::exit_wait::ExitWait;
use super::fast_path::{Dialed, dial_place, directory};
use super::pause::Pauses;
use super::read_greeting::Reading;
use super::start_turn::{StartTurn, TakenTurn};
use super::start_wait::StartWait;
use super::target::ConnectTarget;
use crate::directory::Directory;
use crate::greeting::Greeting;
use crate::mismatch::BuildCheck;
use crate::wedged::{GreetingProgress, GreetingWait, continue_if_stopped};
use daemonize_core::status::State;
use daemonize_core::{ErrorKind, Pid, Result, Started, Status};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Instant;

/// How many daemons may end before they serve the client that has started them until it pauses before the next start.
const MAX_QUICK_STARTS: u32 = 4;

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
    start_wait: Option<StartWait>,
    /// The daemon that exits and was looked at since it took long.
    overdue: Option<Pid>,
    pauses: Pauses,
    /// How often this client has started a daemon that was gone before it served.
    vain_starts: u32,
    /// The last start found the pidfile locked, which `reason` says.
    is_locked: bool,
    builds: BuildCheck<'a>,
    /// The reason why the client is not served yet, for the error at the deadline.
    reason: String,
}

impl<'a, S: Fn(Instant) -> Result<Started>> SlowPath<'a, S> {
    /// Connects, beginning with the outcome of the fast path.
    pub(super) fn run(target: &ConnectTarget, start: S, first: Unserved) -> Result<Served> {
        SlowPath::new(target, &directory(&target.daemon)?, start).connect(first)
    }

    fn new(target: &'a ConnectTarget, directory: &'a Directory, start: S) -> SlowPath<'a, S> {
        SlowPath {
            target,
            directory,
            start,
            started: None,
            exit_wait: None,
            start_wait: None,
            overdue: None,
            pauses: Pauses::default(),
            vain_starts: 0,
            is_locked: false,
            builds: target.build_check(directory),
            reason: String::from("it is not there"),
        }
    }

    fn connect(mut self, first: Unserved) -> Result<Served> {
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
            Unserved::OtherBuild(stream, greeting) => {
                let started = self.started.as_ref().map(|started| started.pid);
                if let Some(stream) = self.builds.check(stream, &greeting, started)? {
                    return Ok(Attempt::Served(stream, greeting));
                }
                self.reason = format!("pid {}, which is of another build, exits", greeting.pid);
            }
            #[cfg(feature = "tokio")]
            Unserved::Unknown => {}
            Unserved::Absent => self.start_or_wait()?,
            Unserved::Closed => self.pause("it closed the connection before its greeting"),
            Unserved::Leaving(pid) => self.pause(&format!("pid {pid} exits")),
            Unserved::Full => self.pause("too many other clients wait for it"),
            Unserved::BacklogFull => self.pause("the backlog of its socket is full"),
        }
        let target = self.target;
        let until = target.deadline.within(target.on_demand.greeting_timeout);
        match dial_place(&target.daemon, self.directory, Some(until))? {
            Dialed::Connected(silent) => {
                silent.listen(target.name(), target.deadline).map(|attempt| attempt.checked(&target.on_demand))
            }
            Dialed::Unserved(why) => Ok(Attempt::Unserved(why)),
        }
    }

    /// Waits for the greeting of a daemon that does not answer at once. One that is wedged is ended, and counts as closed.
    fn wait_for_greeting(&mut self, mut silent: SilentStream) -> Result<Attempt> {
        let target = self.target;
        let mut wait = GreetingWait::new(&target.daemon, &target.on_demand, target.deadline.at());
        loop {
            let progress = match wait.until_readable(silent.stream.as_fd()) {
                // The process that has the lock may be the listener, but no pidfile says so.
                Err(_) if self.is_locked && target.deadline.has_passed() => {
                    return Err(target.deadline.error(target.name(), &self.reason));
                }
                progress => progress?,
            };
            match progress {
                GreetingProgress::Readable => {}
                GreetingProgress::Ended | GreetingProgress::NoDaemon => return Ok(Attempt::Unserved(Unserved::Absent)),
            }
            match silent.reader.read_available(silent.stream.as_fd()) {
                Ok(Reading::Incomplete) => {}
                reading => {
                    return silent.judge(target.name(), reading).map(|attempt| attempt.checked(&target.on_demand));
                }
            }
        }
    }

    /// Starts the daemon, or waits for the process that keeps a start from succeeding.
    fn start_or_wait(&mut self) -> Result<()> {
        let target = self.target;
        let state = match target.daemon.status()? {
            Status { state: State::Running, pid: Some(pid), .. } => return self.wait_for_exit(pid),
            status => status.state,
        };
        self.exit_wait = None;
        if self.start_wait.as_ref().is_some_and(StartWait::has_ended) {
            return self.start(None);
        }
        if self.start_wait.as_ref().is_some_and(StartWait::has_starter) || state == State::Starting {
            return self.wait_for_start();
        }
        match StartTurn::take(self.directory, target.name()) {
            StartTurn::Taken(turn) => return self.start(Some(turn)),
            StartTurn::Unavailable => return self.start(None),
            StartTurn::Other(starter) => self.begin_start_wait().join(starter),
            StartTurn::Changing => {
                // Bounded as a wait for its outcome is: the process that has locked the directory may be no client.
                self.begin_start_wait();
                self.pauses.sleep(target.deadline);
            }
        }
        Ok(())
    }

    fn start(&mut self, turn: Option<TakenTurn>) -> Result<()> {
        (self.exit_wait, self.start_wait) = (None, None);
        // A daemon with a very short idle time may exit before its first client connects; one that never serves must not be started without
        // end.
        if self.vain_starts >= MAX_QUICK_STARTS {
            Pauses::sleep_before_start(self.target.deadline);
            if self.target.deadline.has_passed() {
                return Ok(());
            }
        }
        self.vain_starts += 1;
        let outcome = (self.start)(self.target.deadline.at());
        self.is_locked = outcome.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Locked));
        if let Some(turn) = turn {
            turn.finish(&outcome, self.target.deadline.has_passed());
        }
        match outcome {
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
                ErrorKind::NotReady if self.vain_starts > 1 && self.target.deadline.has_passed() => {
                    Err(self.target.deadline.error(self.target.name(), &self.reason))
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
            Some(wait) if wait.has_changed_unwatched(self.directory) => self.exit_wait = None,
            Some(wait) if wait.has_lost_socket(self.directory) => {
                self.exit_wait = None;
                target.stop()?;
            }
            Some(wait) => {
                let waited = wait.waited();
                if waited >= target.on_demand.greeting_timeout && self.overdue != Some(pid) {
                    self.overdue = Some(pid);
                    continue_if_stopped(&target.daemon, pid, waited)?;
                }
                wait.wait(target.deadline).map_err(system)?;
            }
        }
        Ok(())
    }

    /// Waits for a start by another process that has not bound the socket yet.
    fn wait_for_start(&mut self) -> Result<()> {
        if let Some(wait) = &mut self.start_wait {
            return wait.wait(self.target.name());
        }
        self.begin_start_wait();
        Ok(())
    }

    /// Begins to watch a start by another process. The next attempt looks again, now that no event is lost.
    fn begin_start_wait(&mut self) -> &mut StartWait {
        self.reason = String::from("another process starts it");
        self.start_wait.get_or_insert_with(|| StartWait::begin(self.directory, self.target.deadline))
    }

    fn pause(&mut self, reason: &str) {
        reason.clone_into(&mut self.reason);
        self.pauses.sleep(self.target.deadline);
    }
}
