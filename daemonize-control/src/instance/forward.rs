//! Forwards a later launch to the running instance.

use super::{Instance, Running};
use crate::client::after;
use crate::client::error::Result;
use serde_json::Value;
use std::thread;
use std::time::{Duration, Instant};

/// Interval between attempts while the other process is starting or exiting.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// The result of a launch.
#[derive(Debug)]
pub enum Launch {
    /// This process is the instance, until this guard is dropped.
    Primary(Running),
    /// Another process is the instance, and has handled the event with this reply.
    Forwarded(Value),
}

impl Instance {
    /// Makes this process the instance, or sends an event to the instance that runs. For programs whose later launches pass on
    /// their arguments.
    ///
    /// # Errors
    /// As [`start`](Instance::start) and [`Client::event`](crate::Client::event).
    ///
    /// # At most once
    /// If the running instance is exiting, this call tries again until [`lock_timeout`](Instance::lock_timeout): the event goes
    /// to the next instance, or this process becomes the instance. It does so only if the previous instance cannot have handled
    /// the event: there was no connection, or the kernel reports that the process exited before it had read the whole request.
    /// If the process exited later without a reply, that is an error (`Reply`), because it may have handled the event; so is
    /// its response that it is shutting down (`Refused(503)`).
    pub fn run_or_send(self, event: &str, data: impl Into<Value>) -> Result<Launch> {
        let data = data.into();
        let deadline = after(self.lock_timeout);
        loop {
            let error = match self.acquire_lock() {
                Ok(lock) => return self.start_locked(lock, false).map(Launch::Primary),
                Err(error) => error,
            };
            let Some(client) = error.client() else { return Err(error) };
            match client.event(event, data.clone()) {
                Ok(reply) => return Ok(Launch::Forwarded(reply)),
                // The other process is starting or exiting, and has not received the event.
                Err(error) if error.is_transient() && Instant::now() < deadline => thread::sleep(RETRY_INTERVAL),
                Err(error) => return Err(error),
            }
        }
    }
}
