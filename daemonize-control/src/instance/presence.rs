//! Checks for a running instance.

use super::Instance;
use crate::client::error::{Error, ErrorKind, Result};
use daemonize_core::Pid;
use daemonize_core::status::State;

/// The state of an instance, as another process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// No instance runs.
    None,
    /// The instance runs and responds.
    Running {
        /// The process.
        pid: Pid,
        /// The first address in its pidfile.
        address: String,
    },
    /// A process holds the lock, but does not respond, for this reason: it is starting, exiting, or hangs.
    Unresponsive(String),
}

impl Instance {
    /// Checks whether an instance runs, and sends it a request.
    ///
    /// # Errors
    /// As [`pid_file`](Instance::pid_file); and the pidfile cannot be read or trusted.
    pub fn running(&self) -> Result<Presence> {
        let client = self.client()?;
        let status = client.target().status()?;
        Ok(match (status.state, status.pid) {
            (State::Running, Some(pid)) => match client.get("/") {
                Ok(_) => Presence::Running { pid, address: status.addresses.into_iter().next().unwrap_or_default() },
                Err(error) if error.kind() == ErrorKind::NotRunning => Presence::None,
                Err(error) => Presence::Unresponsive(error.to_string()),
            },
            (State::Starting, _) => Presence::Unresponsive("it is starting".into()),
            (State::Unknown(why), _) => {
                return Err(Error::failed(ErrorKind::Unknown, "read", status.pidfile.display(), why));
            }
            _ => Presence::None,
        })
    }

    /// Returns the process of the instance, if one runs. Does not connect.
    ///
    /// # Errors
    /// As [`running`](Instance::running).
    pub fn pid(&self) -> Result<Option<Pid>> {
        self.client()?.pid()
    }
}
