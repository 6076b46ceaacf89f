//! A stop on its way: asked for, and awaited.

use super::error::{Error, ErrorKind, Result};
use super::target::{Found, Target};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long one that is about to end, and answers no more, may take for that.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One that is to stop.
pub(crate) struct Stop<'a> {
    target: &'a Target,
    found: Found,
    /// Until when its end is awaited.
    deadline: Instant,
    pause: Duration,
    /// What the endpoint said.
    reply: Result<Value>,
}

impl<'a> Stop<'a> {
    /// Of whichever runs, if one does.
    pub(crate) fn of(target: &'a Target) -> Result<Option<Stop<'a>>> {
        let deadline = target.deadline();
        let found = match target.find() {
            Err(error) if error.kind() == ErrorKind::NotRunning => return Ok(None),
            found => found?,
        };
        let reply = Ok(stopped());
        Ok(Some(Stop { target, found, deadline, pause: Duration::from_millis(1), reply }))
    }

    /// What came of the request. Where it may be that nobody is left to answer, the end is awaited all the same, for a while.
    pub(crate) fn answered(&mut self, reply: Result<Value>) {
        use ErrorKind::{NotRunning, Refused, Reply, Starting, Unreachable};
        if let Err(error) = &reply {
            let is_ending = matches!(error.kind(), NotRunning | Starting | Unreachable | Reply | Refused(503));
            let patience = if is_ending { LAST_WORDS } else { Duration::ZERO };
            self.deadline = self.deadline.min(Instant::now() + patience);
        }
        self.reply = reply;
    }

    /// How long to wait until the next look; nothing when there is nothing more to wait for.
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
            let why = format!("it was asked to, and still runs after {:?}", self.target.timeout);
            self.reply = Err(Error::failed(ErrorKind::Timeout, "stop pid", self.found.pid, why));
        }
        Ok(None)
    }

    /// The answer; where there was none, that it is gone, or why it was not asked.
    pub(crate) fn outcome(self) -> Result<Value> {
        self.reply
    }
}

/// The answer of one that is gone.
pub(crate) fn stopped() -> Value {
    json!({ "success": true, "state": "stopped" })
}
