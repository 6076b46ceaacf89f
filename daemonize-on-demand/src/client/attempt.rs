//! One attempt to be served: a connection, and the greeting that comes through it.

use super::deadline::ConnectDeadline;
use super::dial::{TrustedUsers, check_peer, failed, start_of_other_failed};
use super::read_greeting::{GreetingReader, Reading};
use crate::greeting::{Greeting, GreetingState};
use crate::mismatch::is_served;
use crate::settings::OnDemand;
use daemonize_core::{ErrorKind, Result};
use daemonize_sys::Pid;
use daemonize_sys::error::cause;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long a client waits for the greeting before it looks at the daemon's process: one that works answers sooner.
pub(super) const PROMPT_GREETING: Duration = Duration::from_millis(100);

/// The outcome of one attempt that did not fail for good. `S` is the type of the stream.
#[derive(Debug)]
pub(super) enum Attempt<S = UnixStream> {
    /// The daemon serves this client.
    Served(S, Greeting),
    /// It does not, for now.
    Unserved(Unserved),
}

/// The reason why a client is not served for now.
#[derive(Debug)]
pub(super) enum Unserved {
    /// The client has not looked yet, since that could block.
    #[cfg(feature = "tokio")]
    Unknown,
    /// No process listens: there is no directory, no socket, or a stale one.
    Absent,
    /// The daemon closed the connection before its greeting was complete: it was killed, or exits.
    Closed,
    /// The daemon exits and has read nothing.
    Leaving(Pid),
    /// The daemon has too many clients that wait.
    Full,
    /// The backlog of the listener is full.
    BacklogFull,
    /// No greeting has come yet: the daemon starts, is busy, or wedged.
    Silent(SilentStream),
    /// The daemon is of a build that does not serve this client as it is.
    OtherBuild(UnixStream, Greeting),
}

impl Attempt {
    /// Returns the attempt after a look at the daemon's build.
    pub(super) fn checked(self, on_demand: &OnDemand) -> Attempt {
        match self {
            Attempt::Served(stream, greeting) if !is_served(&greeting, on_demand) => {
                Attempt::Unserved(Unserved::OtherBuild(stream, greeting))
            }
            attempt => attempt,
        }
    }
}

/// A connection to a checked peer, whose greeting has not come yet.
#[derive(Debug)]
pub(super) struct SilentStream {
    pub(super) stream: UnixStream,
    pub(super) reader: GreetingReader,
}

impl SilentStream {
    /// Checks the peer of a new connection to the daemon `name`.
    pub(super) fn check(stream: UnixStream, name: &str, users: TrustedUsers) -> Result<SilentStream> {
        check_peer(&stream, name, users)?;
        Ok(SilentStream { stream, reader: GreetingReader::default() })
    }

    /// Waits a moment for the greeting.
    pub(super) fn listen(mut self, name: &str, deadline: ConnectDeadline) -> Result<Attempt> {
        let reading = self.reader.read_until(self.stream.as_fd(), deadline.within(PROMPT_GREETING));
        self.judge(name, reading)
    }

    /// Returns the attempt that this reading has led to.
    pub(super) fn judge(self, name: &str, reading: nix::Result<Reading>) -> Result<Attempt> {
        Ok(match judge(name, reading)? {
            Judgement::Ready(greeting) => Attempt::Served(self.stream, greeting),
            Judgement::Unserved(why) => Attempt::Unserved(why),
            Judgement::Incomplete => Attempt::Unserved(Unserved::Silent(self)),
        })
    }
}

/// The meaning of a reading.
pub(super) enum Judgement {
    /// The daemon serves the client.
    Ready(Greeting),
    /// It does not, for now.
    Unserved(Unserved),
    /// The greeting is not complete yet.
    Incomplete,
}

/// Judges the greeting of a daemon that should have this name.
pub(super) fn judge(name: &str, reading: nix::Result<Reading>) -> Result<Judgement> {
    let greeting = match reading {
        Ok(Reading::Complete(greeting)) => greeting,
        Ok(Reading::Closed) => return Ok(Judgement::Unserved(Unserved::Closed)),
        Ok(Reading::Incomplete) => return Ok(Judgement::Incomplete),
        Ok(Reading::Invalid(why)) => return Err(failed(name, ErrorKind::Connect, &why.to_string())),
        Err(errno) => return Err(failed(name, ErrorKind::System, &cause(&io::Error::from(errno)))),
    };
    if greeting.name != name {
        let why = format!("`{}` (pid {}) listens at its socket", greeting.name, greeting.pid);
        return Err(failed(name, ErrorKind::Connect, &why));
    }
    match greeting.state {
        GreetingState::Ready => Ok(Judgement::Ready(greeting)),
        GreetingState::Full => Ok(Judgement::Unserved(Unserved::Full)),
        GreetingState::Leaving => Ok(Judgement::Unserved(Unserved::Leaving(greeting.pid))),
        GreetingState::Failed => Err(start_of_other_failed(
            name,
            ErrorKind::Connect,
            greeting.error.as_deref().unwrap_or("it does not say why"),
        )),
    }
}
