//! What lives beside the body of a daemon.

use crate::counters::{Counters, counters};
use crate::pid::Pid;
use crate::report;
use std::error::Error;
use std::fmt;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Something that lives beside the body: an endpoint, a notifier, a watchdog.
///
/// Checked in the launcher; prepared in the daemon before it gives anything up; started there when every stage is done and
/// before it is ready, so that a failure is the start's failure; ended when the body has ended, in reverse order; told in
/// between what has become of the daemon.
///
/// ```
/// use daemon::attach::{Attachment, Handle};
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
/// let daemon = daemon::Daemon::new("child").attach(Birthday);
/// # drop(daemon);
/// ```
pub trait Attachment: Send + Sync + 'static {
    /// Looks for mistakes, in the launcher, before any fork and before the pidfile is touched: that is where the user is
    /// looking. Finds none unless it is implemented.
    ///
    /// # Errors
    /// What is wrong: the start fails with it, and nothing has happened.
    fn check(&self, plan: &AttachContext) -> Result<(), Box<dyn Error>> {
        let _ = plan;
        Ok(())
    }

    /// Makes what needs the launcher's rights and root: a socket on a low port, a directory beside the pidfile. In the
    /// daemon, right before the stage [`Identity`](crate::settings::Stage::Identity), with the pidfile's lock held: whatever a dead
    /// daemon of this pidfile left may be removed. Makes nothing unless it is implemented.
    ///
    /// # Errors
    /// Whatever keeps it from being made: the start fails with it, and [`end`](Attachment::end) is not called.
    fn prepare(&self, plan: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        let _ = plan;
        Ok(Prepared::default())
    }

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

    /// Looks whether the program would start if it were started again now: asked before the daemon
    /// [restarts](crate::restart), while it works. May be called by any thread and take as long as reading files does. Refuses
    /// nothing unless it is implemented.
    ///
    /// # Errors
    /// The program would not start: the restart is refused with this error, and the daemon continues unchanged.
    fn check_restart(&self) -> Result<(), Box<dyn Error>> {
        Ok(())
    }

    /// The body has ended, or a later part of the start has failed, and so this ends: called once for all that was
    /// prepared, whether it was started or not. Does nothing unless it is implemented.
    fn end(&self) {}
}

/// What an [`Attachment`] is told of the daemon that is to be.
#[derive(Clone, Debug)]
pub struct AttachContext {
    pub(crate) name: String,
    pub(crate) pidfile: PathBuf,
    pub(crate) user: Option<u32>,
    pub(crate) group: Option<u32>,
}

impl AttachContext {
    /// For a program that is no daemon, stays who it is, and holds this pidfile (its absolute path).
    pub fn foreground(name: impl Into<String>, pidfile: impl Into<PathBuf>) -> AttachContext {
        AttachContext { name: name.into(), pidfile: pidfile.into(), user: None, group: None }
    }

    /// The daemon's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the absolute path of its pidfile; an empty one if it runs without.
    pub fn pidfile(&self) -> &Path {
        &self.pidfile
    }

    /// The number of the user that it becomes; `None` if it stays who it is.
    pub fn user(&self) -> Option<u32> {
        self.user
    }

    /// The number of the group that it becomes; `None` if it keeps its own.
    pub fn group(&self) -> Option<u32> {
        self.group
    }
}

/// What an [`Attachment`] has made before the daemon gave anything up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prepared {
    /// Where it can be reached: URLs such as `unix:///run/sleepy.control/socket`, without spaces. They become lines of
    /// the pidfile, from the third on; [`Status::addresses`](crate::Status::addresses) says them again.
    pub addresses: Vec<String>,
    /// Descriptors that stay open through the stage [`Descriptors`](crate::settings::Stage::Descriptors).
    pub descriptors: Vec<RawFd>,
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

/// What an [`Attachment`] may ask of the process that it lives in. A daemon does what it is asked; a program that is none
/// says itself what that means.
pub trait ProcessControl: Send + Sync + 'static {
    /// Is to stop; returns at once.
    fn stop(&self);

    /// Whether it is to stop.
    fn is_stopping(&self) -> bool;

    /// Starts its program again, which takes over from it; returns when that program waits to do so. Refused unless it is
    /// implemented.
    ///
    /// # Errors
    /// Why it cannot, or why the new program cannot; it goes on then.
    fn restart(&self) -> Result<(), Box<dyn Error>> {
        Err("failed to restart: this process is no daemon".into())
    }

    /// Is to reload, as SIGHUP has it do; returns at once. Refused unless it is implemented.
    ///
    /// # Errors
    /// Why it cannot.
    fn reload(&self) -> Result<(), Box<dyn Error>> {
        Err("failed to reload: this process is no daemon".into())
    }
}

/// The control of a daemon that has no attachments, and so gives it to none.
pub(crate) struct NoControl;

impl ProcessControl for NoControl {
    fn stop(&self) {}

    fn is_stopping(&self) -> bool {
        false
    }
}

/// What an [`Attachment`] knows of its daemon and may ask of it; cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Handle {
    pub(crate) name: String,
    pub(crate) pidfile: PathBuf,
    /// `true` if the pidfile is the default one, whose path depends on the user that asks.
    pub(crate) is_default_pidfile: bool,
    pub(crate) since: SystemTime,
    pub(crate) addresses: Vec<String>,
    pub(crate) process: Arc<dyn ProcessControl>,
}

impl Handle {
    /// For a program that is no daemon, and holds this pidfile with these addresses.
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
        }
    }

    /// The daemon's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process that the daemon is: this one.
    pub fn pid(&self) -> Pid {
        Pid::this()
    }

    /// Returns the path of its pidfile; an empty one if it runs without.
    pub fn pidfile(&self) -> &Path {
        &self.pidfile
    }

    /// Where it can be reached: see [`Prepared::addresses`].
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// When its stages were done.
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// How much it has done: see [`counters`](crate::messages::counters()).
    pub fn counters(&self) -> Counters {
        counters()
    }

    /// Returns what the daemon could not do and an operator should know: a log that SIGHUP could not open again.
    pub fn warning(&self) -> Option<String> {
        report::warning()
    }

    /// Whether it is to stop.
    pub fn is_stopping(&self) -> bool {
        self.process.is_stopping()
    }

    /// Asks it to stop, as SIGTERM does; returns at once.
    pub fn stop(&self) {
        self.process.stop();
    }

    /// Asks it to start its program again, which takes over from it: see [`restart`](crate::restart), which blocks until the
    /// new program waits to do so.
    ///
    /// # Errors
    /// Why it cannot, or why the new program cannot; it goes on then.
    pub fn restart(&self) -> Result<(), Box<dyn Error>> {
        self.process.restart()
    }

    /// Asks it to reload, as SIGHUP does: see [`reload`](crate::reload).
    ///
    /// # Errors
    /// Why it cannot.
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
