//! Waits for the exit of a daemon after a stop was requested.

use super::error::{Error, ErrorKind, Result};
use super::target::{RunningDaemon, Target};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Maximum time that a daemon which no longer replies, and seems to be exiting, may take to exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The wait for the exit of a daemon.
pub(crate) struct Stop<'a> {
    target: &'a Target,
    found: RunningDaemon,
    /// Time at which the wait for its exit ends.
    deadline: Instant,
    pause: Duration,
    /// The result to report once the daemon has exited.
    reply: Result<Value>,
}

impl<'a> Stop<'a> {
    /// Begins a stop of the running daemon; `None` if no daemon runs.
    pub(crate) fn of(target: &'a Target) -> Result<Option<Stop<'a>>> {
        let deadline = target.deadline();
        let found = match target.find() {
            Err(error) if error.kind() == ErrorKind::NotRunning => return Ok(None),
            found => found?,
        };
        let reply = Ok(stopped());
        Ok(Some(Stop { target, found, deadline, pause: Duration::from_millis(1), reply }))
    }

    /// Records the reply to the request. After an error that an exiting daemon causes, waits [`EXIT_TIMEOUT`] for its exit.
    pub(crate) fn answered(&mut self, reply: Result<Value>) {
        use ErrorKind::{NotRunning, Refused, Reply, Starting, Unreachable};
        if let Err(error) = &reply {
            let is_ending = matches!(error.kind(), NotRunning | Starting | Unreachable | Reply | Refused(503));
            let timeout = if is_ending { EXIT_TIMEOUT } else { Duration::ZERO };
            self.deadline = self.deadline.min(Instant::now() + timeout);
        }
        self.reply = reply;
    }

    /// Returns how long to wait until the next call; `None` when the outcome is known.
    pub(crate) fn pause(&mut self) -> Result<Option<Duration>> {
        if !self.target.runs(&self.found)? {
            if self.reply.is_err() {
                self.reply = Ok(stopped());
            }
            return Ok(None);
        }
        if Instant::now() < self.deadline {
            let pause = self.pause;
            self.pause = (pause * 2).min(Duration::from_millis(20));
            return Ok(Some(pause));
        }
        if self.reply.is_ok() {
            let why = format!("it was asked to stop, and still runs after {:?}", self.target.timeout);
            self.reply = Err(Error::failed(ErrorKind::Timeout, "stop pid", self.found.pid, why));
        }
        Ok(None)
    }

    /// Returns the reply of the daemon; without one, that the daemon has stopped, or the error of the request.
    pub(crate) fn outcome(self) -> Result<Value> {
        self.reply
    }
}

/// Returns the reply for a daemon that has exited.
pub(crate) fn stopped() -> Value {
    json!({ "success": true, "state": "stopped" })
}
