//! The successor's side: this process was started by a daemon to take over from it.

use super::restart_env::{RESTART_ENV, RestartVariable};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::ipc::{Channel, Message};
use crate::pid::Pid;
use crate::process::{BootContext, Identity};
use crate::settings::Settings;
use crate::signal::Signal;
use crate::sys::fds;
use crate::sys::pidfd::{PidFd, timeout_until};
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::geteuid;
use std::env;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a killed predecessor may take to exit.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// The daemon that started this process to take over from it.
pub(crate) struct RestartedFrom {
    channel: Channel,
    pid: Pid,
    /// `None` if the predecessor has ended.
    process: Option<PidFd>,
    /// The process with which the predecessor would have ended, once it has passed that.
    watched_parent: Option<PidFd>,
    /// `true` if the predecessor had detached from its terminal.
    pub(crate) detached: bool,
}

/// The outcome of waiting for a message from the predecessor.
enum Received {
    /// A message, with the descriptor that it carries.
    Message(Message, Option<OwnedFd>),
    /// The predecessor has ended, or has closed its end of the channel.
    Closed,
    TimedOut,
}

impl RestartedFrom {
    /// Returns the daemon `name`, if it has started this process to take over from it. The second call returns `None`: the
    /// descriptor is close-on-exec by then.
    pub(crate) fn take(name: &str) -> Option<RestartedFrom> {
        let text = env::var(RESTART_ENV).ok()?;
        RestartVariable::parse(&text)
            .filter(|variable| variable.name == name)
            .and_then(|variable| RestartedFrom::open(&variable))
    }

    /// Closes the descriptor inherited from a predecessor of any name, in a process that takes over from none.
    pub(crate) fn discard() {
        let text = env::var(RESTART_ENV).unwrap_or_default();
        drop(RestartVariable::parse(&text).and_then(|variable| RestartedFrom::open(&variable)));
    }

    /// Any process can set the variable. It counts only if the descriptor came through `execve(2)`, and is one end of a pair
    /// that the named process has created (`SO_PEERCRED`), as the same user.
    fn open(variable: &RestartVariable<'_>) -> Option<RestartedFrom> {
        let is_made_by_it = fds::is_inherited(variable.fd) && fds::peer(variable.fd) == Some((variable.pid, geteuid()));
        if !is_made_by_it || variable.pid == Pid::this() {
            return None;
        }
        let identity =
            Identity { pid: variable.pid, start_time: variable.start_time, context: BootContext::read().ok()? };
        let process = identity.open().ok()?;
        fds::close_on_exec(variable.fd);
        let channel = Channel::new(fds::own_handed_over(variable.fd));
        Some(RestartedFrom { channel, pid: variable.pid, process, watched_parent: None, detached: variable.detached })
    }

    /// Reports that this process cannot take over.
    pub(crate) fn refuse(&self, error: &Error) {
        let _ = self.channel.send(&Message::Failed(error.copy()));
    }

    /// Reports that this process waits, and returns when the predecessor hands over or has ended. Returns the copy of the
    /// predecessor's lock on `pidfile`, if the lock was passed.
    ///
    /// # Errors
    /// The predecessor continues, or a stop was requested for both.
    pub(crate) fn wait_for_handover(&mut self, settings: &Settings, pidfile: &Path) -> Result<Option<OwnedFd>> {
        let _ = self.channel.send(&Message::Waiting(pidfile.to_owned()));
        let mut deadline = Instant::now() + settings.start_timeout;
        let mut is_accepted = false;
        loop {
            match self.receive(deadline)? {
                Received::Message(Message::Accepted(stop_timeout), parent) => {
                    is_accepted = true;
                    self.watched_parent = parent.map(PidFd::from);
                    // The predecessor stops by its own settings, which may allow it more time than these.
                    deadline = Instant::now() + stop_timeout.max(settings.stop_timeout());
                }
                Received::Message(Message::Go, lock) if is_accepted => return Ok(lock),
                Received::Message(Message::Stop, _) => return Err(stopped()),
                Received::Closed | Received::TimedOut if is_accepted => {
                    self.wait_for_end(deadline, settings)?;
                    return Ok(None);
                }
                _ => {
                    let text =
                        "failed to start: the daemon that has started this process to take over goes on, or is gone";
                    return Err(Error::new(ErrorKind::Stopped, text));
                }
            }
        }
    }

    /// Takes the process with which the daemon ends, if the predecessor has passed it.
    pub(crate) fn take_watched_parent(&mut self) -> Option<PidFd> {
        self.watched_parent.take()
    }

    /// Waits until the predecessor's process has ended. Kills it at the deadline, as `stop` does, unless `kill` is off.
    ///
    /// # Errors
    /// A stop was requested for both, or the predecessor does not end.
    pub(crate) fn wait_for_end(&self, deadline: Instant, settings: &Settings) -> Result<()> {
        let Some(process) = &self.process else { return Ok(()) };
        let ends = |deadline: Instant| process.wait(deadline).map_err(|error| lost(&error));
        loop {
            match self.receive(deadline)? {
                Received::Message(Message::Stop, _) => return Err(stopped()),
                Received::Message(..) => {}
                Received::Closed | Received::TimedOut => break,
            }
        }
        if ends(deadline)? {
            return Ok(());
        }
        if settings.kill {
            let _ = process.send(Signal::SIGKILL);
            if ends(Instant::now() + KILL_TIMEOUT)? {
                return Ok(());
            }
        }
        Err(Error::system("succeed the running daemon", format_args!("pid {} does not end", self.pid)))
    }

    fn receive(&self, deadline: Instant) -> Result<Received> {
        loop {
            let sources = [Some(self.channel.as_fd()), self.process.as_ref().map(AsFd::as_fd)];
            let mut fds: Vec<_> = sources.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            match poll(&mut fds, timeout_until(deadline)) {
                Ok(0) if Instant::now() >= deadline => return Ok(Received::TimedOut),
                Ok(0) | Err(nix::Error::EINTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(lost(&errno.into())),
            }
            // Before the end of the process: a message that the predecessor sent before it ended is still to be read.
            if fds[0].any() == Some(true) {
                return match self.channel.receive_with_fd().map_err(|error| lost(&error))? {
                    Some((message, fd)) => Ok(Received::Message(message, fd)),
                    None => Ok(Received::Closed),
                };
            }
            return Ok(Received::Closed);
        }
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Stopped, "failed to start: stopped while starting")
}

fn lost(error: &io::Error) -> Error {
    Error::system("wait for the daemon that this one succeeds", cause(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, FdFlag};
    use std::os::fd::AsRawFd;

    #[test]
    fn descriptor_not_created_by_the_named_process_is_refused() {
        let (ours, _theirs) = Channel::pair().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let (this, parent) = (Pid::this(), Pid::from_raw(nix::unistd::getppid().as_raw()).unwrap());
        assert_eq!(fds::peer(ours.as_fd().as_raw_fd()), Some((this, geteuid())));
        assert_eq!(fds::peer(file.as_raw_fd()), None);
        for (fd, pid) in
            [(ours.as_fd().as_raw_fd(), this), (ours.as_fd().as_raw_fd(), parent), (file.as_raw_fd(), parent)]
        {
            for flags in [FdFlag::FD_CLOEXEC, FdFlag::empty()] {
                nix::fcntl::fcntl(ours.as_fd(), FcntlArg::F_SETFD(flags)).unwrap();
                let variable = RestartVariable { fd, pid, start_time: 1, detached: true, name: "a" };
                assert!(RestartedFrom::open(&variable).is_none(), "{fd} {pid} {flags:?}");
            }
        }
        assert!(fds::is_open(ours.as_fd().as_raw_fd()) && fds::is_open(file.as_raw_fd()));
    }
}
