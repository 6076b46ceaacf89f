//! What lives beside the body of a daemon.

use crate::counters::{Counters, counters};
use crate::pid::Pid;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Something that lives beside the body: an endpoint, a notifier, a watchdog.
///
/// Started in the daemon when every stage is done and before it is ready, so that a failure is the start's failure;
/// ended when the body has ended, in reverse order; told in between what has become of the daemon.
///
/// ```
/// use daemonize_core::{Attachment, Handle};
///
/// struct Birthday;
///
/// impl Attachment for Birthday {
///     fn start(&self, daemon: Handle) -> Result<(), Box<dyn std::error::Error>> {
///         println!("{} is born as pid {}", daemon.name(), daemon.pid());
///         Ok(())
///     }
/// }
///
/// let daemon = daemonize_core::Daemon::new("child").attach(Birthday);
/// # drop(daemon);
/// ```
pub trait Attachment: Send + Sync + 'static {
    /// Begins; may start threads, which go on until [`end`](Attachment::end).
    ///
    /// # Errors
    /// Whatever keeps it from beginning: the start fails with it.
    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>>;

    /// The daemon has come to another phase of its life. Called by one thread at a time, which should not be kept for
    /// long. Does nothing unless it is implemented.
    fn phase(&self, phase: Phase) {
        let _ = phase;
    }

    /// The body has ended, and so does this. Does nothing unless it is implemented.
    fn end(&self) {}
}

/// What a daemon that has started is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// It works: said once the launcher knows, and again after each [`Reloading`](Phase::Reloading).
    Ready,
    /// SIGHUP came: log files are opened again and its handlers run.
    Reloading,
    /// It is to stop, or its body has ended: the last phase.
    Stopping,
}

/// What an [`Attachment`] knows of its daemon and may ask of it; cheap to clone, usable from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) name: String,
    pub(crate) pidfile: PathBuf,
    pub(crate) since: SystemTime,
}

impl Handle {
    /// The daemon's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process that the daemon is: this one.
    pub fn pid(&self) -> Pid {
        Pid::this()
    }

    /// The path of its pidfile.
    pub fn pidfile(&self) -> &Path {
        &self.pidfile
    }

    /// When its stages were done.
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// How much it has done: see [`counters`](crate::counters()).
    pub fn counters(&self) -> Counters {
        counters()
    }

    /// Whether it is to stop.
    pub fn is_stopping(&self) -> bool {
        crate::stopping::is_marked()
    }
}
