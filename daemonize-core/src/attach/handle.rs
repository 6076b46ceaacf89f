//! The handle that an attachment gets of its daemon.

use super::listen_fds::ListenFds;
use super::process_control::ProcessControl;
use crate::counters::{Counters, RequestGuard, counters};
use crate::pid::Pid;
use crate::report;
use std::error::Error;
use std::fmt;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// A handle to the daemon for its [`Attachment`](super::Attachment)s: cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Handle {
    pub(crate) name: String,
    pub(crate) pidfile: PathBuf,
    /// `true` if the pidfile is the default one, whose path depends on the user that asks.
    pub(crate) is_default_pidfile: bool,
    pub(crate) since: SystemTime,
    pub(crate) addresses: Vec<String>,
    pub(crate) process: Arc<dyn ProcessControl>,
    pub(crate) listen_fds: Arc<ListenFds>,
}

impl Handle {
    /// Makes a handle for a program that is not a daemon, and has locked this pidfile with these addresses.
    pub fn foreground(
        name: impl Into<String>,
        pidfile: impl Into<PathBuf>,
        addresses: Vec<String>,
        process: Arc<dyn ProcessControl>,
    ) -> Handle {
        Handle {
            name: name.into(),
            pidfile: pidfile.into(),
            is_default_pidfile: false,
            since: SystemTime::now(),
            addresses,
            process,
            listen_fds: Arc::default(),
        }
    }

    /// Returns the daemon's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the daemon's pid, which is that of this process.
    pub fn pid(&self) -> Pid {
        Pid::this()
    }

    /// Returns the path of its pidfile; an empty one if it runs without.
    pub fn pidfile(&self) -> &Path {
        &self.pidfile
    }

    /// Returns the addresses at which the daemon can be reached: see [`Prepared::addresses`](super::Prepared::addresses).
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// Returns the time at which the stages were done.
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// Returns the counters of the body's work: see [`counters`](crate::messages::counters()).
    pub fn counters(&self) -> Counters {
        counters()
    }

    /// Counts a request that begins, such as an event of an endpoint. A daemon that exits when it is idle runs on until the guard is
    /// dropped; see [`Counters::requests`].
    pub fn begin_request(&self) -> RequestGuard {
        RequestGuard::new()
    }

    /// Takes file descriptors that the service manager has passed: those for whose name and number `is_wanted` returns `true`. The
    /// caller owns them from then on; the body receives the others from [`listen_fds`](crate::systemd::listen_fds).
    pub fn take_listen_fds(&self, mut is_wanted: impl FnMut(&str, RawFd) -> bool) -> Vec<(String, RawFd)> {
        self.listen_fds.take(&mut is_wanted)
    }

    /// Returns a warning for an operator, such as a log file that could not be reopened on SIGHUP.
    pub fn warning(&self) -> Option<String> {
        report::warning()
    }

    /// Returns `true` if the process is to stop.
    pub fn is_stopping(&self) -> bool {
        self.process.is_stopping()
    }

    /// Requests a stop, as SIGTERM does; returns at once.
    pub fn stop(&self) {
        self.process.stop();
    }

    /// Starts the program again, which takes over from this daemon: see [`restart`](crate::restart). Blocks until the new program
    /// waits to do so.
    ///
    /// # Errors
    /// The restart is not possible, or the new program failed to start. The daemon continues then.
    pub fn restart(&self) -> Result<(), Box<dyn Error>> {
        self.process.restart()
    }

    /// Requests a reload, as SIGHUP does: see [`reload`](crate::reload).
    ///
    /// # Errors
    /// The reload is not possible.
    pub fn reload(&self) -> Result<(), Box<dyn Error>> {
        self.process.reload()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("name", &self.name)
            .field("pidfile", &self.pidfile)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
