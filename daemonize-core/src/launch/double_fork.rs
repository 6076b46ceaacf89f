//! The double fork: launcher, session leader, daemon; or none, if the daemon does not detach.

use super::capture::{Capture, OutputPipes};
use super::container;
use super::container_init;
use super::daemon::StartingDaemon;
use super::launcher::{Connections, Launcher};
use super::own_environment::{has_own_variables, remove_own_variables};
use super::session_leader;
use super::single_thread::{find_single_thread, never_forks, require_single_thread};
use super::started::Started;
use super::state::Launch;
use super::watched_parent;
use crate::error::{Error, Result, cause};
use crate::ipc::Channel;
use crate::settings::When;
use crate::stage::Stage;
use crate::stdout;
use crate::sys::fork::{Alone, Fence, Fork, fork};
use std::io;
use std::sync::OnceLock;

/// [`Launch::fork_or_stay`] with calls of the attachments around it, once a daemon has one: a program without is linked without the code.
static AROUND_FORKS: OnceLock<AroundForks> = OnceLock::new();

type AroundForks = fn(Launch, bool) -> Result<DetachResult>;

/// Makes [`Launch::detach`] call this function if there are attachments.
pub(super) fn call_around_forks(around: AroundForks) {
    let _ = AROUND_FORKS.set(around);
}

/// The process in which [`Launch::detach`] has returned.
pub(crate) enum DetachResult {
    /// The calling process, after a successful start.
    Launcher(Started),
    /// The process that becomes the daemon.
    Daemon(Box<StartingDaemon>),
}

impl Launch {
    /// Runs the stage `Detach`: forks, and returns in the launcher when the start has succeeded or failed, and in the daemon at
    /// once. Without detaching, it returns in this process as the daemon.
    ///
    /// A launcher that `exits_after_start` does not wait for the end of the session leader.
    pub(crate) fn detach(mut self, exits_after_start: bool) -> Result<DetachResult> {
        let is_launcher_kept = self.preflight.detached && !exits_after_start;
        self.watched_parent =
            watched_parent::open(&self.preflight.settings, is_launcher_kept, self.handed_over.take())?;
        if self.preflight.settings.hooks.has(Stage::Detach, When::Before) {
            // Unblocked, so that Ctrl-C can end a hook that hangs. The empty pidfile that it leaves does not hinder the next start.
            self.block.with_original_mask(|| self.run_hooks(Stage::Detach, When::Before))?;
        }
        match AROUND_FORKS.get() {
            Some(around) if !self.preflight.settings.attachments.is_empty() => around(self, exits_after_start),
            _ => self.fork_or_stay(exits_after_start),
        }
    }

    /// Forks, if the daemon detaches.
    pub(super) fn fork_or_stay(self, exits_after_start: bool) -> Result<DetachResult> {
        if self.preflight.detached { self.fork_away(exits_after_start) } else { self.stay() }
    }

    fn fork_away(mut self, exits_after_start: bool) -> Result<DetachResult> {
        let single_thread = match self.preflight.single_thread {
            Some(single_thread) if !self.preflight.runs_user_code_before_fork() => single_thread,
            // Hooks and others may have spawned threads since the check.
            _ => require_single_thread()?,
        };
        if exits_after_start {
            container::check_exit_after_start()?;
        }
        // Here and not in the daemon, where reading the environment for the first time costs more page faults.
        self.preflight.has_own_variables = has_own_variables();
        // systemd with Type=forking reads the pidfile as soon as the launcher exits, and the daemon must be an orphan by then
        // (systemd.service(5)). A logger or callback may keep the launcher alive after GO.
        let exits_at_once = exits_after_start
            && !self.preflight.service.started_by_systemd
            && !self.preflight.runs_user_code_after_go();
        double_fork(self, single_thread, exits_at_once)
    }

    fn stay(self) -> Result<DetachResult> {
        let single_thread = match &self.preflight {
            preflight if !never_forks(&preflight.settings) => Some(require_single_thread()?),
            // Counting again would wait for other threads to exit.
            preflight if preflight.single_thread.is_none() => None,
            _ => find_single_thread(),
        };
        let launch = container_init::fork_from_init(self, single_thread)?;
        remove_own_variables(single_thread);
        launch.run_hooks(Stage::Detach, When::Instead)?;
        StartingDaemon::in_this_process(launch).map(DetachResult::Daemon)
    }
}

/// Forks the session leader, which forks the daemon. Returns in the launcher and in the daemon.
fn double_fork(mut launch: Launch, single_thread: Alone, exits_at_once: bool) -> Result<DetachResult> {
    let failed = |error: io::Error| Error::stage(Stage::Detach, cause(&error));
    // L1: close-on-exec, so that a program which another process executes meanwhile cannot keep a socket open.
    let (ready, daemon_ready) = Channel::pair().map_err(failed)?;
    let (control, session_leader_control) = Channel::pair().map_err(failed)?;
    let (capture, pipes) = capture_output(&launch).map_err(failed)?.unzip();
    // Otherwise both processes would write what is buffered.
    stdout::flush();
    // With SIGCHLD ignored, the kernel would reap the session leader and the daemon itself (sigaction(2), SA_NOCLDWAIT).
    launch.block.keep_child_status();
    match fork(single_thread).map_err(|error| Error::stage(Stage::Detach, format_args!("fork: {}", cause(&error))))? {
        Fork::Child => {
            let fence = Fence::around(true);
            // L2: a copy of the launcher's ends in this process would hide the launcher's death from its peers.
            drop((ready, control, capture));
            // L1: the stage `Signals` sets the daemon's own mask. Until then no signal may end it without a message.
            launch.block.leave_blocked();
            let daemon = session_leader::run(launch, single_thread, daemon_ready, session_leader_control, pipes);
            fence.open();
            Ok(DetachResult::Daemon(daemon))
        }
        Fork::Parent(session_leader) => {
            // The launcher sees end of file only if it has no copy of the other ends.
            drop((daemon_ready, session_leader_control, pipes));
            let launcher = Launcher::new(launch, session_leader, Connections { ready, control, capture });
            launcher.run(exits_at_once).map(DetachResult::Launcher)
        }
    }
}

/// Makes the pipes that capture the daemon's output, if hooks, attachments or the body may print before the daemon is ready.
fn capture_output(launch: &Launch) -> io::Result<Option<(Capture, OutputPipes)>> {
    let preflight = &launch.preflight;
    if !preflight.settings.captures_start_output() {
        return Ok(None);
    }
    let user = preflight.privileges.as_ref().and_then(|privileges| privileges.owner().0);
    Capture::new(preflight.streams.logs(), user).map(Some)
}
