//! Attachments: services that run beside the body of a daemon, such as an HTTP endpoint.

mod handle;
mod listen_fds;
mod process_control;

pub use crate::counters::RequestGuard;
pub use handle::Handle;
pub(crate) use listen_fds::ListenFds;
pub(crate) use process_control::NoControl;
pub use process_control::ProcessControl;

use std::error::Error;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

/// A service that runs beside the body: an endpoint, a notifier, a watchdog.
///
/// The launcher [checks](Attachment::check) it. The daemon [prepares](Attachment::prepare) it before it drops privileges, and
/// [starts](Attachment::start) it when every stage is done and before the daemon is ready, so that an error fails the start. While
/// the daemon runs, it learns each new [phase](Attachment::phase). Attachments [end](Attachment::end) after the body, in reverse
/// order.
///
/// ```
/// use daemon::attach::{Attachment, Handle};
///
/// struct Greeting;
///
/// impl Attachment for Greeting {
///     fn start(&self, daemon: Handle) -> Result<(), Box<dyn std::error::Error>> {
///         println!("{} runs as pid {}", daemon.name(), daemon.pid());
///         Ok(())
///     }
/// }
///
/// let daemon = daemon::Daemon::new("child").attach(Greeting);
/// # drop(daemon);
/// ```
pub trait Attachment: Send + Sync + 'static {
    /// Checks the settings, in the launcher, before any fork and before the pidfile is touched, while the user sees errors. The
    /// default does nothing.
    ///
    /// # Errors
    /// An error fails the start. Neither a process nor a file has been created.
    fn check(&self, plan: &AttachContext) -> Result<(), Box<dyn Error>> {
        let _ = plan;
        Ok(())
    }

    /// Creates what the clients of the daemon may wait for while it starts: a listening socket. Called in the launcher, with the pidfile
    /// locked, before any fork; without a launcher, in the daemon. The daemon inherits what is created. It must not spawn threads,
    /// because this process forks. The default creates nothing.
    ///
    /// # Errors
    /// An error fails the start, and [`launched`](Attachment::launched) is not called.
    fn launching(&self, plan: &AttachContext) -> Result<(), Box<dyn Error>> {
        let _ = plan;
        Ok(())
    }

    /// Releases the launcher's copies of what [`launching`](Attachment::launching) has created. Called once in the process in which
    /// `launching` has succeeded, in reverse order, unless that process becomes the daemon: when the daemon works, or with the error when
    /// the start has failed and the pidfile is unlocked. From then on the next start may have begun, so names in a directory are not to
    /// be touched. Without a launcher, it follows [`end`](Attachment::end) after a failure. The default does nothing.
    fn launched(&self, outcome: Result<(), &dyn Error>) {
        let _ = outcome;
    }

    /// Creates what needs the launcher's privileges and root directory: a socket on a low port, a directory beside the pidfile.
    /// Called in the daemon, right before the stage [`Identity`](crate::settings::Stage::Identity), while the pidfile is locked: files that
    /// a dead daemon of this pidfile has left may be removed. The default creates nothing.
    ///
    /// # Errors
    /// An error fails the start, and [`end`](Attachment::end) is not called.
    fn prepare(&self, plan: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        let _ = plan;
        Ok(Prepared::default())
    }

    /// Starts the service. It may spawn threads, which run until [`end`](Attachment::end).
    ///
    /// # Errors
    /// An error fails the start.
    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>>;

    /// Reports a new phase of the daemon. Called by one thread at a time, which must not be blocked for long. The default does
    /// nothing.
    fn phase(&self, phase: Phase) {
        let _ = phase;
    }

    /// Takes part in a reload (SIGHUP): reads its configuration again. Called in the thread of the handlers, after the log files are
    /// reopened and before the handlers of SIGHUP run. The default does nothing.
    ///
    /// # Errors
    /// An error is reported, and makes [`Daemon::reload`](crate::Daemon::reload) fail. The daemon goes on.
    fn reload(&self) -> Result<(), Box<dyn Error>> {
        Ok(())
    }

    /// Checks that the program would start again now. Called before the daemon [restarts](crate::restart), while it works, by any
    /// thread. It may take as long as reading files does. The default succeeds.
    ///
    /// # Errors
    /// An error refuses the restart, and the daemon continues unchanged.
    fn check_restart(&self) -> Result<(), Box<dyn Error>> {
        Ok(())
    }

    /// Ends the service: the body has ended, or the start has failed after [`prepare`](Attachment::prepare). Called once, also if the
    /// service was not started. The default does nothing.
    fn end(&self) {}
}

/// Describes the daemon that is being started, for its [`Attachment`]s.
#[derive(Clone, Debug)]
pub struct AttachContext {
    pub(crate) name: String,
    pub(crate) pidfile: PathBuf,
    pub(crate) user: Option<u32>,
    pub(crate) group: Option<u32>,
}

impl AttachContext {
    /// Describes a program that is not a daemon, keeps its user, and has locked the pidfile with this absolute path.
    pub fn foreground(name: impl Into<String>, pidfile: impl Into<PathBuf>) -> AttachContext {
        AttachContext { name: name.into(), pidfile: pidfile.into(), user: None, group: None }
    }

    /// Returns the daemon's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the absolute path of the pidfile; an empty path if the daemon runs without one.
    pub fn pidfile(&self) -> &Path {
        &self.pidfile
    }

    /// Returns the ID of the user that the daemon changes to; `None` if it keeps its user.
    pub fn user(&self) -> Option<u32> {
        self.user
    }

    /// Returns the ID of the group that the daemon changes to; `None` if it keeps its group.
    pub fn group(&self) -> Option<u32> {
        self.group
    }
}

/// The result of [`Attachment::prepare`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prepared {
    /// The addresses at which the attachment can be reached: URLs such as `unix:///run/sleepy.control/socket`, without spaces. They
    /// become lines of the pidfile, from the third on; [`Status::addresses`](crate::Status::addresses) returns them.
    pub addresses: Vec<String>,
    /// Descriptors that stay open through the stage [`Descriptors`](crate::settings::Stage::Descriptors).
    pub descriptors: Vec<RawFd>,
    /// Warnings for an operator about a start that succeeds, such as "ends with session 4": at most 16, of one line and at most 1 KiB
    /// each; what is longer is truncated. The daemon prints them on stderr; [`Started::warnings`](crate::Started::warnings) has them, and
    /// [`Status::warning`](crate::Status::warning) while the daemon runs.
    pub warnings: Vec<String>,
}

/// The phase of a started daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The daemon works: reported once the start has succeeded, and again after each [`Reloading`](Phase::Reloading).
    Ready,
    /// SIGHUP came: log files are reopened, and the handlers of SIGHUP run.
    Reloading,
    /// The daemon is to stop, or its body has ended: the last phase.
    Stopping,
}
