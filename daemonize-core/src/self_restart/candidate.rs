//! A process that this daemon has started, and that has not reported that it can take over.

use super::command::RestartCommand;
use super::refused::refused;
use super::restart_env::{RESTART_ENV, RestartVariable};
use super::successor::{self, NotAccepted};
use crate::context::DaemonContext;
use crate::error::{Result, cause};
use crate::ipc::{Channel, Message};
use crate::pid::Pid;
use crate::process::Identity;
use crate::signal::Signal;
use crate::stop_flag;
use crate::sys::exec;
use crate::sys::pidfd::{PidFd, timeout_until};
use crate::sys::wait::{self, Ended};
use nix::poll::{PollFd, PollFlags, poll};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

/// How long a process that cannot take over may take to exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) const IS_STOPPING: &str = "it is to stop";

pub(super) struct Candidate {
    path: PathBuf,
    /// `None` once the process is the successor, or has failed.
    channel: Option<Channel>,
    child: Child,
    process: PidFd,
}

impl Candidate {
    /// Starts the program of this process, with one end of a channel.
    pub(super) fn start(context: &DaemonContext) -> Result<Candidate> {
        let prepare = |error: io::Error| refused(cause(&error));
        let (channel, theirs) = Channel::pair().map_err(prepare)?;
        let Identity { pid, start_time, .. } = context.identity;
        let mut restart = RestartCommand::of(context)?;
        let path = restart.path();
        let command = restart.command();
        let fd = theirs.as_fd().as_raw_fd();
        let (detached, name) = (context.detached, context.handle.name.as_str());
        command.env(RESTART_ENV, format!("{}", RestartVariable { fd, pid, start_time, detached, name }));
        exec::inherit(command, fd);
        let child =
            command.spawn().map_err(|error| refused(format_args!("`{}`: {}", path.display(), cause(&error))))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        // Code that reaps every child (`waitpid(2)` with -1) must leave this one to `try_wait`.
        wait::claim(pid);
        let process = pid.map_or_else(|| Err(io::Error::other("it has no pid")), PidFd::open).map_err(prepare)?;
        Ok(Candidate { path, channel: Some(channel), child, process })
    }

    /// Waits until the process reports that it waits, and returns the path of its pidfile. An error says why it cannot take
    /// over.
    pub(super) fn wait(&mut self, start_timeout: Duration) -> Result<PathBuf, String> {
        let deadline = Instant::now() + start_timeout;
        let failed = |error: io::Error| format!("failed to wait for the new process: {}", cause(&error));
        let stop = stop_flag::event_fd().map_err(failed)?;
        loop {
            let Some(channel) = &self.channel else { return Err(self.describe_failure()) };
            let sources = [channel.as_fd(), stop, self.process.as_fd()];
            let mut fds = sources.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            match poll(&mut fds, timeout_until(deadline)) {
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(errno) => return Err(failed(errno.into())),
            }
            let [answered, is_to_stop, ended] = fds.map(|fd| fd.any() == Some(true));
            if is_to_stop {
                return Err(IS_STOPPING.to_owned());
            }
            if answered {
                return match channel.receive() {
                    Ok(Some(Message::Waiting(pidfile))) => Ok(pidfile),
                    Ok(Some(Message::Failed(error))) => Err(format!("the new process reports: {error}")),
                    _ => Err(self.describe_failure()),
                };
            }
            if ended {
                return Err(self.describe_failure());
            }
            if Instant::now() >= deadline {
                let path = self.path.display();
                return Err(format!("`{path}` was not ready to take over within {start_timeout:?}, and was ended"));
            }
        }
    }

    /// Makes the process the successor, for which this daemon stops, unless the daemon is already stopping.
    pub(super) fn accept(&mut self, context: &DaemonContext, pidfile: PathBuf) -> Result<(), String> {
        let Some(channel) = self.channel.take() else { return Err(self.describe_failure()) };
        successor::accept(context, channel, pidfile).map_err(|why| match why {
            NotAccepted::IsStopping => IS_STOPPING.to_owned(),
            NotAccepted::IsGone => self.describe_failure(),
        })
    }

    /// Describes how the process ended, or that it does not take over.
    fn describe_failure(&mut self) -> String {
        let path = self.path.display();
        let _ = self.process.wait(Instant::now() + EXIT_TIMEOUT);
        match self.child.try_wait() {
            Ok(Some(status)) => {
                format!("`{path}` {} before it was ready to take over", Ended::from_raw(status.into_raw()))
            }
            _ => format!("`{path}` does not take over"),
        }
    }

    /// Gives a process that cannot take over the time to exit, then kills and reaps it.
    pub(super) fn end(&mut self) {
        // A successor that waits gives up when the channel is closed.
        self.channel = None;
        let timeout = if stop_flag::is_stop_pending() { Duration::ZERO } else { EXIT_TIMEOUT };
        let has_exited = self.process.wait(Instant::now() + timeout).unwrap_or(false);
        if !has_exited {
            let _ = self.process.send(Signal::SIGKILL);
            let _ = self.process.wait(Instant::now() + EXIT_TIMEOUT);
        }
        let _ = self.child.try_wait();
        wait::claim(None);
    }
}
