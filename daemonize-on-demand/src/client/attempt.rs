//! One attempt: a connection, and the greeting that comes through it.

use super::deadline::ConnectDeadline;
use super::dial::{check_peer, failed};
use super::read_greeting::{GreetingReader, Reading};
use crate::greeting::{Greeting, GreetingState};
use crate::settings::OnDemand;
use daemonize_core::{Error, ErrorKind, Result};
use daemonize_sys::Pid;
use daemonize_sys::error::cause;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The outcome of one attempt that did not fail for good.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The daemon serves this client.
    Served(UnixStream, Greeting),
    /// No process listens: there is no directory, no socket, or a stale one.
    Absent,
    /// The daemon closed the connection before its greeting was complete: it was killed, or exits.
    Closed,
    /// The daemon exits and has read nothing.
    Leaving(Pid),
    /// The daemon has too many clients that wait.
    Full,
    /// The backlog of the listener stayed full, or no greeting came, for `greeting_timeout`.
    Silent(Option<SilentStream>),
}

/// A connection whose greeting has not come within `greeting_timeout`.
#[derive(Debug)]
pub(super) struct SilentStream {
    pub(super) stream: UnixStream,
    pub(super) reader: GreetingReader,
}

/// The settings of one attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptContext<'a> {
    pub(super) name: &'a str,
    /// The user to which the daemon changes, or this one.
    pub(super) owner: u32,
    pub(super) on_demand: &'a OnDemand,
    pub(super) deadline: ConnectDeadline,
}

impl AttemptContext<'_> {
    /// Checks the peer of a new connection, and waits for its greeting.
    pub(super) fn greet(self, stream: UnixStream) -> Result<Attempt> {
        check_peer(&stream, self.name, self.owner)?;
        self.listen(SilentStream { stream, reader: GreetingReader::default() })
    }

    /// Waits for the greeting of a checked peer.
    pub(super) fn listen(self, mut silent: SilentStream) -> Result<Attempt> {
        let reading = silent.reader.read_until(silent.stream.as_fd(), self.greeting_deadline());
        self.judge(reading, silent)
    }

    /// Returns when a peer that has sent no greeting counts as silent.
    pub(super) fn greeting_deadline(self) -> Instant {
        self.deadline.within(self.on_demand.greeting_timeout.max(Duration::from_millis(1)))
    }

    /// Returns the attempt that ended with this reading.
    pub(super) fn judge(self, reading: nix::Result<Reading>, silent: SilentStream) -> Result<Attempt> {
        let greeting = match reading {
            Ok(Reading::Complete(greeting)) => greeting,
            Ok(Reading::Closed) => return Ok(Attempt::Closed),
            Ok(Reading::Incomplete) => return Ok(Attempt::Silent(Some(silent))),
            Ok(Reading::Invalid(why)) => return Err(failed(self.name, ErrorKind::Connect, &why.to_string())),
            Err(errno) => return Err(failed(self.name, ErrorKind::System, &cause(&io::Error::from(errno)))),
        };
        if greeting.name != self.name {
            let why = format!("`{}` (pid {}) listens at its socket", greeting.name, greeting.pid);
            return Err(failed(self.name, ErrorKind::Connect, &why));
        }
        match greeting.state {
            GreetingState::Ready => Ok(Attempt::Served(silent.stream, greeting)),
            GreetingState::Full => Ok(Attempt::Full),
            GreetingState::Leaving => Ok(Attempt::Leaving(greeting.pid)),
            GreetingState::Failed => Err(start_of_other_failed(self.name, greeting.error.as_deref())),
        }
    }
}

/// Returns the error of a client that waited for a start by another one.
#[cold]
fn start_of_other_failed(name: &str, why: Option<&str>) -> Error {
    let why = why.unwrap_or("it does not say why");
    failed(name, ErrorKind::Connect, &format!("the start by another client has failed: {why}"))
}
