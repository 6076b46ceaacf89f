//! The starting daemon: the process that runs the stages.
//!
//! In a forked process no error returns to the caller's code, which does not expect a second process: an error is sent to the
//! launcher, and the process ends by `_exit(2)`.

use super::capture::OutputPipes;
use super::launcher_link::LauncherLink;
use super::state::Launch;
use crate::context;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::pid::Pid;
use crate::process::Identity;
use crate::program::Program;
use crate::sd_notify::Notifier;
use crate::settings::When;
use crate::signal::Signal;
use crate::stage::Stage;
use crate::stdout;
use crate::sys::fds;
use crate::sys::fork::Alone;

/// A daemon that runs its stages.
pub(crate) struct StartingDaemon {
    pub(super) launch: Launch,
    /// `None` if there is no launcher.
    pub(super) link: Option<LauncherLink>,
    /// `true` if stdout and stderr lead to the launcher.
    pub(super) is_captured: bool,
    /// `true` if stdout and stderr have to be redirected when the daemon is ready.
    pub(super) outputs_due: bool,
    /// Known once the pidfile is written by the launcher. Without a launcher, known from the beginning.
    pub(super) identity: Option<Identity>,
    pub(super) program: Program,
    /// To the service manager, if it wants notifications.
    pub(super) notifier: Option<Notifier>,
    /// The signals that were ignored at the fork, if the launcher has sent them.
    pub(super) ignored: Option<Vec<Signal>>,
    /// `true` if user code runs in this process before the body.
    pub(super) runs_user_code: bool,
    /// The signals with handlers, which stay blocked until these are registered; empty if a hook replaces the stage.
    pub(super) handled: Vec<Signal>,
    /// The number of prepared attachments.
    pub(super) prepared_attachments: usize,
    /// The addresses at which the attachments can be reached.
    pub(super) addresses: Vec<String>,
    /// The number of stages that are done.
    pub(super) done: usize,
}

impl StartingDaemon {
    /// Begins in the forked process. An error does not return: it ends this process.
    pub(super) fn detached(launch: Launch, link: LauncherLink, pipes: Option<OutputPipes>) -> Box<StartingDaemon> {
        // L3: first of all, so that no step from here on can hang in a process that outlives its start.
        link.die_with_session_leader();
        let is_captured = pipes.is_some();
        let installed = pipes.map_or(Ok(()), OutputPipes::install);
        if let Err(errno) = installed {
            link.fail(&Error::stage(Stage::Detach, cause(&errno.into())));
        }
        let daemon = StartingDaemon::new(launch, Some(link), is_captured, None);
        let _ = daemon.fail_on_error(daemon.launch.run_hooks(Stage::Detach, When::After));
        daemon
    }

    /// Begins in the calling process, without a launcher.
    pub(super) fn in_this_process(launch: Launch) -> Result<Box<StartingDaemon>> {
        // Before chroot(2), which may hide /proc.
        let identity = Identity::of(Pid::this())
            .map_err(|error| Error::failed(ErrorKind::System, "identify process", Pid::this(), cause(&error)))?;
        let daemon = StartingDaemon::new(launch, None, false, Some(identity));
        daemon.launch.run_hooks(Stage::Detach, When::After)?;
        Ok(daemon)
    }

    fn new(
        mut launch: Launch,
        link: Option<LauncherLink>,
        is_captured: bool,
        identity: Option<Identity>,
    ) -> Box<StartingDaemon> {
        if let (Some(_), Some(lock)) = (&link, &mut launch.lock) {
            // The launcher writes the pidfile. The daemon keeps the lock only: after a change of user, an open descriptor of the
            // directory would bypass its permissions.
            lock.keep_lock_only();
        }
        let program = Program::new();
        // Before chroot(2), which may hide the socket.
        let notifier = connect_to_manager(&mut launch);
        for (_, fd) in &launch.preflight.service.listen_fds {
            fds::close_on_exec(*fd);
        }
        let settings = &launch.preflight.settings;
        let runs_user_code = settings.hooks.any() || !settings.attachments.is_empty();
        let mut daemon = Box::new(StartingDaemon {
            launch,
            link,
            is_captured,
            outputs_due: false,
            identity,
            program,
            notifier,
            ignored: None,
            runs_user_code: false,
            handled: Vec::new(),
            prepared_attachments: 0,
            addresses: Vec::new(),
            // The stage `Detach`.
            done: 1,
        });
        if runs_user_code {
            daemon.expect_user_code();
        }
        daemon
    }

    /// Records that user code runs between stages: it may change what this process would otherwise know without a system call.
    pub(crate) fn expect_user_code(&mut self) {
        self.runs_user_code = true;
        // A restart executes this program: its file is looked up before user code can change the working directory.
        self.program.resolve();
    }

    /// Returns `true` if there is a launcher in another process.
    pub(super) fn is_detached(&self) -> bool {
        self.link.is_some()
    }

    /// Returns `true` if a hook replaces the stage.
    pub(super) fn replaces(&self, stage: Stage) -> bool {
        self.launch.preflight.settings.hooks.replaces(stage)
    }

    /// Returns the identity of this process as it stands in the pidfile. With a launcher, waits until the pidfile is written.
    pub(super) fn identity(&mut self) -> Result<Identity> {
        if let (None, Some(link)) = (&self.identity, &self.link) {
            let (identity, ignored) = link.wait_for_pidfile()?;
            (self.identity, self.ignored) = (Some(identity), Some(ignored));
        }
        self.identity.clone().ok_or_else(|| Error::system("identify this process", "the launcher did not say"))
    }

    /// Returns the proof that this process has one thread, as at its fork, unless user code may have spawned another.
    pub(super) fn single_thread(&self) -> Option<Alone> {
        self.launch.preflight.single_thread.filter(|_| self.is_detached() && !self.runs_user_code)
    }

    /// Returns `true` if this process may not be what it was at its fork: it has changed its user, or has run user code.
    pub(super) fn may_have_changed(&self) -> bool {
        self.launch.preflight.privileges.is_some() || self.runs_user_code
    }

    /// Tears down prepared attachments in reverse order after a failed start.
    fn end_attachments(&self) {
        for attachment in self.launch.preflight.settings.attachments[..self.prepared_attachments].iter().rev() {
            context::call_attachment(|| attachment.end());
        }
    }

    /// Handles an error of a stage: with a launcher, sends it FAILED and ends this process. Otherwise returns the error.
    pub(super) fn fail_on_error<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.inspect_err(|error| self.fail(error))
    }

    /// Handles an error. Not generic, so that a program contains it once.
    #[cold]
    fn fail(&self, error: &Error) {
        self.end_attachments();
        if let Some(link) = &self.link {
            stdout::flush();
            link.fail(error);
        }
    }
}

/// Connects to the service manager: through the container's init, if this daemon has one.
fn connect_to_manager(launch: &mut Launch) -> Option<Notifier> {
    let manager = launch.preflight.manager?;
    match launch.preflight.init_socket.take() {
        Some(socket) => Some(manager.connect_through(socket)),
        None => manager.connect(),
    }
}
