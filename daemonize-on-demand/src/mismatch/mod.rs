//! Decides whether a daemon of another build serves a client, and has it replaced otherwise.
//!
//! The order of two builds is that of their protocol numbers, then of their package versions. The id of a build only tells that two
//! builds of one order differ.
//!
#![doc = include_str!("verdicts.md")]
//!
//! * *serve*: the daemon serves the client.
//! * *if idle*: the daemon is replaced if it has no other client and no work; else it serves the client.
//! * *when idle*: as *if idle*, but a daemon that serves the client exits when its last client leaves.
//! * *wait*: the client waits until the daemon is idle, which then exits; at the deadline it fails.
//! * *now*: the daemon is stopped at once.
//! * *error*: the client fails, and the error names both builds and the fix.

mod comparison;
mod explanation;
mod verdict;

use crate::control::{ControlAnswer, ControlRequest, RetireRequest, RetireTime, ask};
use crate::daemon_process::{DaemonProcess, NamedProcess};
use crate::directory::Directory;
use crate::greeting::Greeting;
use crate::settings::{OnDemand, OnMismatch};
use comparison::Comparison;
use daemonize_core::{Daemon, Error, ErrorKind, Pid, Result};
use daemonize_sys::build_id::build_id;
use daemonize_sys::pidfd::PidFd;
use explanation::{Fix, explain};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use verdict::Verdict;

/// How long a daemon may take to answer a request. It answers from its acceptor, which never works.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an idle daemon that retires may take until the client looks for it again.
const RETIREMENT_TIMEOUT: Duration = Duration::from_secs(1);

/// How often one daemon is asked to retire. One that is still there takes its body too long to notice, or lies.
const MAX_RETIRE_REQUESTS: u32 = 2;

/// Returns `true` if a daemon with this greeting serves the client without further ado: [`BuildCheck`] would return the connection at
/// once. Does not block.
pub(crate) fn is_served(greeting: &Greeting, on_demand: &OnDemand) -> bool {
    verdict_of(greeting, on_demand) == Verdict::Serve
}

fn verdict_of(greeting: &Greeting, on_demand: &OnDemand) -> Verdict {
    Comparison::of(on_demand, build_id(), greeting).verdict(on_demand.on_mismatch)
}

/// The check of the builds during one `connect`, which may meet several daemons.
pub(crate) struct BuildCheck<'a> {
    daemon: &'a Daemon,
    on_demand: &'a OnDemand,
    directory: &'a Directory,
    deadline: Instant,
    /// How long a daemon that stops may take.
    stop_timeout: Duration,
    /// The daemon that was asked to retire last, and how often.
    asked: Option<(Pid, u32)>,
}

impl BuildCheck<'_> {
    /// Begins the check of a `connect`, with its deadline and the time that the daemon may take to stop.
    pub(crate) fn new<'a>(
        daemon: &'a Daemon,
        on_demand: &'a OnDemand,
        directory: &'a Directory,
        (deadline, stop_timeout): (Instant, Duration),
    ) -> BuildCheck<'a> {
        BuildCheck { daemon, on_demand, directory, deadline, stop_timeout, asked: None }
    }

    /// Returns the connection if the daemon with this greeting serves the client. Otherwise closes it and returns `None` when the daemon
    /// exits or has exited: connect again. `started` is the daemon that this client has started. May block until the deadline.
    ///
    /// # Errors
    /// The daemon does not serve this build, and is not replaced; the text names both builds and the fix.
    pub(crate) fn check(
        &mut self,
        stream: UnixStream,
        greeting: &Greeting,
        started: Option<Pid>,
    ) -> Result<Option<UnixStream>> {
        let verdict = verdict_of(greeting, self.on_demand);
        match verdict {
            Verdict::Serve => return Ok(Some(stream)),
            Verdict::Error => return Err(self.error(greeting, &self.fix_of_refusal(greeting))),
            // Another start would be of the same build again, without end.
            _ if started == Some(greeting.pid) => return Err(self.error(greeting, &Fix::OneSetting)),
            _ => {}
        }
        let may_serve = matches!(verdict, Verdict::IfIdle | Verdict::WhenIdle);
        if self.count_request(greeting.pid) > MAX_RETIRE_REQUESTS {
            let why = || Fix::DoesNotRetire("it has been asked, and is still there".to_owned());
            return if may_serve { Ok(Some(stream)) } else { Err(self.error(greeting, &why())) };
        }
        match verdict {
            Verdict::IfIdle => self.replace_or_serve(stream, greeting, RetireTime::IfIdle),
            Verdict::WhenIdle => self.replace_or_serve(stream, greeting, RetireTime::Idle),
            Verdict::Now => self.stop(stream, greeting).map(|()| None),
            _ => self.wait_for_idle(stream, greeting).map(|()| None),
        }
    }

    /// Returns how often this daemon is asked, this time included.
    fn count_request(&mut self, pid: Pid) -> u32 {
        let before = self.asked.filter(|(asked, _)| *asked == pid).map_or(0, |(_, count)| count);
        self.asked = Some((pid, before + 1));
        before + 1
    }

    /// Replaces the daemon if it is idle.
    fn replace_or_serve(
        &self,
        stream: UnixStream,
        greeting: &Greeting,
        when: RetireTime,
    ) -> Result<Option<UnixStream>> {
        match self.ask_to_retire(&stream, greeting, when) {
            Ok(ControlAnswer::Retiring | ControlAnswer::OtherDaemon) => {
                drop(stream);
                self.wait_for_retirement(greeting.pid).map(|()| None)
            }
            // Neither a daemon that has work nor one that does not answer here is in the way of this client.
            Ok(_) | Err(_) => Ok(Some(stream)),
        }
    }

    /// Waits a moment for the end of a daemon that is not there any more, or soon will not be.
    fn wait_for_retirement(&self, pid: Pid) -> Result<()> {
        wait_for_end(pid, self.deadline.min(Instant::now() + RETIREMENT_TIMEOUT)).map(drop)
    }

    /// Waits until the daemon has no client and no work, and has exited.
    fn wait_for_idle(&self, stream: UnixStream, greeting: &Greeting) -> Result<()> {
        let answer = self.ask_to_retire(&stream, greeting, RetireTime::Idle);
        drop(stream);
        let clients = match answer {
            Ok(ControlAnswer::OtherDaemon) => return self.wait_for_retirement(greeting.pid),
            Ok(ControlAnswer::Retiring) => 0,
            Ok(ControlAnswer::Busy { clients, .. }) => clients.saturating_sub(1),
            Ok(_) => return Err(self.error(greeting, &Fix::DoesNotRetire("it does not know the request".to_owned()))),
            // It exits by itself.
            Err(error) if is_absent(&error) => return self.wait_for_retirement(greeting.pid),
            Err(error) => return Err(self.error(greeting, &Fix::DoesNotRetire(error.to_string()))),
        };
        if wait_for_end(greeting.pid, self.deadline)? {
            return Ok(());
        }
        Err(self.error(greeting, &Fix::StillBusy { clients }))
    }

    /// Stops the daemon at once: by a request, and by signals if it does not end.
    fn stop(&self, stream: UnixStream, greeting: &Greeting) -> Result<()> {
        let answer = self.ask_to_retire(&stream, greeting, RetireTime::Now);
        drop(stream);
        let time = match answer {
            Ok(ControlAnswer::OtherDaemon) => return self.wait_for_retirement(greeting.pid),
            Ok(ControlAnswer::Retiring) => self.stop_timeout,
            _ => Duration::ZERO,
        };
        // Leaves a part of the client's time for the signals and the start.
        let time = time.min(self.deadline.saturating_duration_since(Instant::now()) / 2);
        if wait_for_end(greeting.pid, Instant::now() + time)? {
            return Ok(());
        }
        match DaemonProcess::find(self.daemon)? {
            NamedProcess::Running(process) if process.pid() == greeting.pid => process.end(self.deadline).map(drop),
            NamedProcess::Unknown(why) => Err(self.error(greeting, &Fix::DoesNotRetire(why))),
            // The greeting is of a process that the pidfile does not name, so it is not signalled.
            _ => self.wait_for_retirement(greeting.pid),
        }
    }

    fn ask_to_retire(&self, stream: &UnixStream, greeting: &Greeting, when: RetireTime) -> io::Result<ControlAnswer> {
        let (pid, build) = (greeting.pid, greeting.build.clone());
        // A body that has closed this connection already does not count it any more.
        let own = u64::from(!is_closed(stream));
        let request = ControlRequest::Retire(RetireRequest { pid, build, when, own });
        let deadline = self.deadline.min(Instant::now() + ANSWER_TIMEOUT);
        let mut answer = Err(io::ErrorKind::NotFound.into());
        // A daemon of another place answers that it is another one.
        for place in self.directory.all() {
            let Some(directory) = place.open()? else { continue };
            answer = ask(&directory, place.owner(), &request, deadline);
            if !matches!(&answer, Ok(ControlAnswer::OtherDaemon)) && !answer.as_ref().is_err_and(is_absent) {
                break;
            }
        }
        answer
    }

    fn fix_of_refusal(&self, greeting: &Greeting) -> Fix {
        let comparison = Comparison::of(self.on_demand, build_id(), greeting);
        if comparison.is_other_package {
            return Fix::OtherPackage;
        }
        let restarts = !matches!(self.on_demand.on_mismatch, OnMismatch::Refuse | OnMismatch::Keep);
        // No other reaction would serve this program.
        let is_too_old = comparison.protocol.is_lt() || restarts && comparison.version.is_lt();
        if is_too_old { Fix::NewerProgram } else { Fix::OtherReaction }
    }

    fn error(&self, greeting: &Greeting, fix: &Fix) -> Error {
        Error::new(
            ErrorKind::Connect,
            explain(self.daemon.settings().name(), self.on_demand, build_id(), greeting, fix),
        )
    }
}

/// Returns `true` if no process listens.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Returns `true` if the daemon has closed the connection (`POLLHUP`, which is always reported).
fn is_closed(stream: &UnixStream) -> bool {
    let mut fds = [PollFd::new(stream.as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Waits until the process has ended. Returns `false` at the deadline. The pid is the daemon's own claim, so nothing else is done with it.
fn wait_for_end(pid: Pid, deadline: Instant) -> Result<bool> {
    let Ok(process) = PidFd::open(pid) else { return Ok(true) };
    process.wait(deadline).map_err(|error| Error::new(ErrorKind::System, format!("failed to poll a pidfd: {error}")))
}
