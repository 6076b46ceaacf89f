//! The process that a daemon's pidfile names: looked at, continued and ended through a pidfd, so that no other process can be hit.

use daemonize_core::status::State;
use daemonize_core::{Daemon, Error, ErrorKind, Pid, Result, Signal, Status};
use daemonize_sys::error::{cause, failed};
use daemonize_sys::pidfd::PidFd;
use daemonize_sys::proc::ProcStat;
use daemonize_sys::siginfo::Purpose;
use daemonize_sys::tracer::tracer_of;
use std::io;
use std::time::{Duration, Instant};

/// How long a daemon may take to end after SIGTERM before it is killed, if the deadline allows it.
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a process may take to end after SIGKILL, even if the deadline is sooner.
const MIN_KILL_TIMEOUT: Duration = Duration::from_millis(500);

/// The daemon, according to its pidfile.
#[derive(Debug)]
pub(crate) enum NamedProcess {
    /// It runs, though its start may not be over.
    Running(DaemonProcess),
    /// Its start is under way, and the pidfile is still empty.
    Starting,
    /// No process is named, or a dead one.
    NotRunning,
    /// It cannot be determined, for this reason.
    Unknown(String),
}

/// A running daemon.
#[derive(Debug)]
pub(crate) struct DaemonProcess {
    pid: Pid,
    handle: PidFd,
}

/// The state of a daemon's process at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessSample {
    pub(crate) pid: Pid,
    /// The start time, in clock ticks since boot.
    pub(crate) start_time: u64,
    /// `true` if its start is not over. The pidfile names a daemon before that.
    pub(crate) is_starting: bool,
    /// `true` if SIGSTOP has stopped it.
    pub(crate) is_stopped: bool,
    /// The process that traces it.
    pub(crate) tracer: Option<Pid>,
    /// The CPU time of all its threads in user mode, in clock ticks.
    pub(crate) user_ticks: u64,
}

impl DaemonProcess {
    /// Finds the process that the pidfile names, and opens it.
    pub(crate) fn find<W>(daemon: &Daemon<W>) -> Result<NamedProcess> {
        loop {
            let pid = match daemon.status()? {
                Status { state: State::Running, pid: Some(pid), .. } if pid == Pid::this() => {
                    return Ok(NamedProcess::Unknown("this process is the daemon, and does not end itself".to_owned()));
                }
                Status { state: State::Running, pid: Some(pid), .. } => pid,
                Status { state: State::Starting, .. } => return Ok(NamedProcess::Starting),
                Status { state: State::Unknown(why), .. } => return Ok(NamedProcess::Unknown(why)),
                _ => return Ok(NamedProcess::NotRunning),
            };
            let Ok(handle) = PidFd::open(pid) else { continue };
            // The pid could have passed to another process before it was opened. The pidfile has the start time of the daemon, so
            // this is the daemon if the pidfile still names it, and if the opened process has not ended since.
            let still = daemon.status()?;
            let is_daemon = still.state == State::Running && still.pid == Some(pid);
            if is_daemon && !has_ended(&handle)? {
                return Ok(NamedProcess::Running(DaemonProcess { pid, handle }));
            }
        }
    }

    /// Returns the pid.
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Looks at the process. Returns `None` if it has ended.
    pub(crate) fn sample(&self) -> io::Result<Option<ProcessSample>> {
        let read = || -> io::Result<ProcessSample> {
            let stat = ProcStat::of(self.pid)?;
            Ok(ProcessSample {
                pid: self.pid,
                start_time: stat.start_time,
                is_starting: has_session_leader(&stat),
                is_stopped: stat.state == 'T',
                tracer: tracer_of(self.pid)?,
                user_ticks: stat.user_ticks,
            })
        };
        let sample = read();
        // The sample is of another process if this one has ended meanwhile.
        if self.handle.wait(Instant::now())? { Ok(None) } else { sample.map(Some) }
    }

    /// Continues a process that SIGSTOP has stopped.
    pub(crate) fn resume(&self) -> Result<()> {
        self.send(Signal::SIGCONT, Purpose::Unmarked)
    }

    /// Waits until the process has ended. Returns `false` at the deadline.
    pub(crate) fn wait(&self, deadline: Instant) -> Result<bool> {
        self.handle.wait(deadline).map_err(|error| self.error("wait for the end of pid", &cause(&error)))
    }

    /// Ends the process: SIGTERM, and SIGKILL if it still runs after two seconds, or after a third of the time until the deadline.
    /// Returns `true` if it was killed.
    ///
    /// # Errors
    /// It belongs to another user, or does not end.
    pub(crate) fn end(&self, deadline: Instant) -> Result<bool> {
        // Marked as that of `stop`: a daemon that is stopping already is not hurried.
        self.send(Signal::SIGTERM, Purpose::Stop)?;
        // A process that is stopped acts on SIGTERM only when it is continued (signal(7)).
        self.send(Signal::SIGCONT, Purpose::Unmarked)?;
        let time = TERMINATION_TIMEOUT.min(deadline.saturating_duration_since(Instant::now()) / 3);
        if self.wait(Instant::now() + time)? {
            return Ok(false);
        }
        self.send(Signal::SIGKILL, Purpose::Unmarked)?;
        if self.wait(deadline.max(Instant::now() + MIN_KILL_TIMEOUT))? {
            return Ok(true);
        }
        // A process in uninterruptible sleep ends when the disk answers.
        Err(self.error("end pid", "it has not even ended after SIGKILL"))
    }

    /// Sends a signal. A process that has ended counts as signalled.
    fn send(&self, signal: Signal, purpose: Purpose) -> Result<()> {
        match self.handle.send_for(signal, purpose) {
            Err(error) if !is_gone(&error) => Err(self.error("signal pid", &cause(&error))),
            _ => Ok(()),
        }
    }

    fn error(&self, verb: &str, cause: &str) -> Error {
        Error::new(ErrorKind::Stop, failed(verb, self.pid, cause))
    }
}

/// Returns `true` while the session leader of the launch exists, which forks the daemon, stays its parent until the start is over, and
/// then exits. No later process has its pid, because the daemon stays in the session of that number. A daemon in the foreground was
/// executed, by a shell perhaps that leads its session.
fn has_session_leader(daemon: &ProcStat) -> bool {
    daemon.parent == daemon.session && !daemon.has_executed
}

fn has_ended(handle: &PidFd) -> Result<bool> {
    handle
        .wait(Instant::now())
        .map_err(|error| Error::new(ErrorKind::System, format!("failed to poll a pidfd: {error}")))
}

fn is_gone(error: &io::Error) -> bool {
    daemonize_sys::error::errno(error) == Some(nix::errno::Errno::ESRCH)
}
