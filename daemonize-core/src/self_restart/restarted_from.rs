//! The successor's side: a program that a daemon has started to take over from it.

use super::RESTART_ENV;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::handoff::{Channel, Message};
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
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a killed predecessor may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// The daemon that started this process to take over from it.
pub(crate) struct RestartedFrom {
    channel: Channel,
    pid: Pid,
    /// `None` if it is gone.
    process: Option<PidFd>,
    /// `true` if the predecessor had detached from its terminal.
    pub(crate) detached: bool,
}

/// The outcome of waiting for a message from the predecessor.
enum Heard {
    /// With the descriptor that came along.
    Message(Message, Option<OwnedFd>),
    /// It is gone, or has closed its end.
    Silence,
    TooLate,
}

impl RestartedFrom {
    /// The daemon `name`, if it has started this process to take over from it. The second time there is none.
    pub(crate) fn take(name: &str) -> Option<RestartedFrom> {
        let text = env::var(RESTART_ENV).ok()?;
        Named::parse(&text).filter(|named| named.name == name).and_then(|named| RestartedFrom::open(&named))
    }

    /// Closes what was inherited from a daemon of whatever name, in a process that takes over from none.
    pub(crate) fn discard() {
        let text = env::var(RESTART_ENV).unwrap_or_default();
        drop(Named::parse(&text).and_then(|named| RestartedFrom::open(&named)));
    }

    /// Anybody can set the variable: it is believed only if the descriptor came in through exec and is one end of a pair
    /// that the named process has made, with our user.
    fn open(named: &Named<'_>) -> Option<RestartedFrom> {
        let is_made_by_it = fds::is_inherited(named.fd) && fds::peer(named.fd) == Some((named.pid, geteuid()));
        if !is_made_by_it || named.pid == Pid::this() {
            return None;
        }
        let identity = Identity { pid: named.pid, start_time: named.start_time, context: BootContext::read().ok()? };
        let process = identity.open().ok()?;
        fds::close_on_exec(named.fd);
        let channel = Channel::new(fds::own_handed_over(named.fd));
        Some(RestartedFrom { channel, pid: named.pid, process, detached: named.detached })
    }

    /// Reports that this process cannot take over.
    pub(crate) fn refuse(&self, error: &Error) {
        let _ = self.channel.send(&Message::Failed(error.copy()));
    }

    /// Reports that this process is ready, and waits until the predecessor hands over, or is gone. Returns the copy of the
    /// predecessor's lock on `pidfile`, if that has been handed over.
    ///
    /// # Errors
    /// The predecessor goes on, or a stop came for both.
    pub(crate) fn wait_for_turn(&self, settings: &Settings, pidfile: &Path) -> Result<Option<OwnedFd>> {
        let _ = self.channel.send(&Message::Waiting(pidfile.to_owned()));
        let mut deadline = Instant::now() + settings.start_timeout;
        let mut is_accepted = false;
        loop {
            match self.hear(deadline)? {
                Heard::Message(Message::Accepted(stop_timeout), _) => {
                    is_accepted = true;
                    // It stops by its own settings, and not by those of its successor.
                    deadline = Instant::now() + stop_timeout.max(settings.stop_timeout());
                }
                Heard::Message(Message::Go, lock) if is_accepted => return Ok(lock),
                Heard::Message(Message::Stop, _) => return Err(stopped()),
                Heard::Silence | Heard::TooLate if is_accepted => {
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

    /// Waits until the predecessor's process is gone. As `stop` does, it kills one that does not end, unless the settings
    /// forbid it.
    ///
    /// # Errors
    /// A stop came for both, or the predecessor does not end.
    pub(crate) fn wait_for_end(&self, deadline: Instant, settings: &Settings) -> Result<()> {
        let Some(process) = &self.process else { return Ok(()) };
        let ends = |deadline: Instant| process.wait(deadline).map_err(|error| lost(&error));
        loop {
            match self.hear(deadline)? {
                Heard::Message(Message::Stop, _) => return Err(stopped()),
                Heard::Message(..) => {}
                Heard::Silence | Heard::TooLate => break,
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

    fn hear(&self, deadline: Instant) -> Result<Heard> {
        loop {
            let sources = [Some(self.channel.as_fd()), self.process.as_ref().map(AsFd::as_fd)];
            let mut fds: Vec<_> = sources.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            match poll(&mut fds, timeout_until(deadline)) {
                Ok(0) if Instant::now() >= deadline => return Ok(Heard::TooLate),
                Ok(0) | Err(nix::Error::EINTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(lost(&errno.into())),
            }
            // A message that the predecessor sent before it ended comes first.
            if fds[0].any() == Some(true) {
                let heard = self.channel.receive_with().map_err(|error| lost(&error))?;
                return Ok(heard.map_or(Heard::Silence, |(message, fd)| Heard::Message(message, fd)));
            }
            return Ok(Heard::Silence);
        }
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Stopped, "failed to start: stopped while starting")
}

fn lost(error: &io::Error) -> Error {
    Error::system("wait for the daemon that this one succeeds", cause(error))
}

/// The parsed value of the variable [`RESTART_ENV`].
#[derive(Debug, PartialEq, Eq)]
struct Named<'a> {
    fd: RawFd,
    pid: Pid,
    start_time: u64,
    detached: bool,
    name: &'a str,
}

impl Named<'_> {
    fn parse(text: &str) -> Option<Named<'_>> {
        let mut words = text.splitn(5, ' ');
        Some(Named {
            fd: words.next()?.parse().ok().filter(|fd| *fd > 2)?,
            pid: words.next()?.parse().ok().and_then(Pid::from_raw)?,
            start_time: words.next()?.parse().ok()?,
            detached: words.next()?.parse().ok()?,
            name: words.next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, FdFlag};
    use proptest::prelude::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn variable_names_descriptor_process_and_daemon() {
        let pid = Pid::from_raw(42).unwrap();
        let named = Named { fd: 7, pid, start_time: 99, detached: true, name: "a b" };
        assert_eq!(Named::parse("7 42 99 true a b"), Some(named));
        for wrong in ["", "7 42 99 true", "1 42 99 true a", "-1 42 99 true a", "7 0 99 true a", "7 42 99 maybe a"] {
            assert_eq!(Named::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn descriptor_that_the_named_process_has_not_made_is_not_taken() {
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
                let named = Named { fd, pid, start_time: 1, detached: true, name: "a" };
                assert!(RestartedFrom::open(&named).is_none(), "{fd} {pid} {flags:?}");
            }
        }
        assert!(fds::is_open(ours.as_fd().as_raw_fd()) && fds::is_open(file.as_raw_fd()));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,60}") {
            let _ = Named::parse(&text);
        }
    }
}
