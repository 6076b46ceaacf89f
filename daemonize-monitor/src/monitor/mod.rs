//! The monitor: a daemon whose body is the engine.

mod builder;
mod forced_exit;

pub use builder::Builder;

use crate::command_queue::CommandReceiver;
use crate::commands::Commands;
use crate::config::Config;
use crate::console::Console;
use crate::engine::{Engine, EngineConfig, fatal_by_default};
use crate::error::{Error, Result};
use crate::restart_check::RestartChecks;
use crate::schedule_record::ScheduleRecord;
use daemonize_core::settings::Ready;
use daemonize_core::{Daemon, Signal, Started};
use forced_exit::KillOnForcedExit;
use std::convert::Infallible;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

/// How much longer the grace time of the daemon is than the shutdown of all bots: after SIGKILL, no process is left.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(10);

/// Keeps bots alive, as a daemon or in the foreground. See [`Monitor::builder`].
///
/// The program may have other children. Those in its session are its own: the monitor neither reaps nor signals them. A child that
/// makes a session of its own (`setsid(2)`) cannot be told from what a bot has left behind: it is reaped, and is ended with the
/// monitor.
pub struct Monitor {
    daemon: Daemon,
    config: Config,
    receiver: CommandReceiver,
    commands: Commands,
    autostart: bool,
    restart_checks: RestartChecks,
    reaps_all: bool,
    console: Option<Arc<Console>>,
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Monitor {
    /// Returns a handle that sends commands to the running monitor. A handle from before the start works in the daemon, for its attachments.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// Returns the daemon, to stop it or to query its status from another process.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Starts the monitor as a daemon, and returns when all bots with `autostart` were started.
    ///
    /// # Errors
    /// Why there is no monitor; one runs already, for example.
    pub fn start(self) -> Result<Started> {
        let (daemon, body) = self.prepare();
        daemon.run(body).start().map_err(Error::from)
    }

    /// Runs the monitor in the foreground of this process, and exits the process when it ends.
    ///
    /// # Errors
    /// Why there is no monitor.
    pub fn foreground(self) -> Result<Infallible> {
        let (daemon, body) = self.prepare();
        daemon.run(body).foreground().map_err(Error::from)
    }

    /// Returns the configured daemon and its body.
    fn prepare(self) -> (Daemon, impl FnOnce() -> Result<ExitCode> + Send + 'static) {
        let over = Arc::new(AtomicBool::new(false));
        let kill_on_forced_exit = KillOnForcedExit { commands: self.commands.clone(), over: Arc::clone(&over) };
        let commands = self.commands.clone();
        let pidfile = self.daemon.pidfile_path();
        // Without a pidfile there is no place for it either.
        let journal = (!pidfile.as_os_str().is_empty()).then(|| pidfile.with_extension("journal"));
        let schedule_record = ScheduleRecord::of_monitor(journal.as_deref());
        let ignored = fatal_by_default().filter(|signal| !self.daemon.mentions(*signal)).collect();
        let daemon = self
            .daemon
            .ready(Ready::Manual)
            .grace(self.config.settings.stop_timeout.saturating_add(SHUTDOWN_MARGIN))
            .handle(Signal::SIGHUP, move || commands.hang_up())
            .attach(kill_on_forced_exit)
            .attach(self.restart_checks);
        let (receiver, config, autostart, reaps_all) = (self.receiver, self.config, self.autostart, self.reaps_all);
        let console = self.console;
        let body = move || {
            let failed = |error: std::io::Error| Error::system("hear of a stop", &error);
            let stopping = Some(daemonize_core::wait_handle().map_err(failed)?);
            let ready = || daemonize_core::ready().map_err(Error::from);
            let ready = Box::new(ready);
            let plan = EngineConfig {
                config,
                receiver,
                journal,
                schedule_record,
                ignored,
                stopping,
                reaps_all,
                console,
                ready,
            };
            let outcome = Engine::new(plan).and_then(|engine| engine.run(autostart));
            over.store(true, SeqCst);
            outcome.map(ExitCode::from)
        };
        (daemon, body)
    }
}
