//! The result of the stages: all that the daemon needs from its start.

use super::container;
use super::daemon::StartingDaemon;
use super::preflight::Preflight;
use super::readiness_send::ReadySender;
use super::signal_block::SignalBlock;
use super::stages::privileges::Privileges;
use super::state::Launch;
use crate::attach::{Handle, ListenFds};
use crate::context::DaemonContext;
use crate::error::{Error, Result, cause};
use crate::settings::Settings;
use crate::signals::{HandledSignals, HandlerThread};
use crate::stage::Stage;
use crate::sys::main_process::is_main_process;
use crate::sys::outlined::Outlined;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

pub(super) struct StagesDone {
    pub(super) settings: Outlined<Settings>,
    pub(super) context: Box<DaemonContext>,
    pub(super) ready_sender: Box<ReadySender>,
    /// Restores the signal mask if the start fails and there is no launcher.
    pub(super) block: SignalBlock,
}

impl StagesDone {
    /// Runs the remaining stages.
    pub(super) fn run(mut daemon: Box<StartingDaemon>, leave: fn() -> !) -> Result<StagesDone> {
        daemon.run_to(Stage::Stdio)?;
        let identity = daemon.identity();
        let identity = daemon.fail_on_error(identity)?;
        let registered = register_handlers(&mut daemon);
        let registered = Arc::new(daemon.fail_on_error(registered)?);
        let mut stops = daemon.launch.preflight.settings.signals.stops();
        if daemon.replaces(Stage::Signals) {
            stops.clear();
        }
        if let Some(lock) = &mut daemon.launch.lock {
            lock.keep_lock_only();
        }
        let StartingDaemon { launch, link, notifier, program, addresses, outputs_due, .. } = *daemon;
        let Launch { preflight, lock, block, watched_parent, .. } = launch;
        let preflight = preflight.into_inner();
        let obstacle = restart_obstacle(&preflight, lock.is_some());
        let Preflight { settings, detached, pidfile, streams, privileges, service, .. } = preflight;
        let changes_user = privileges.as_ref().is_some_and(Privileges::changes_user);
        let context = Box::new(DaemonContext {
            handle: Handle {
                name: settings.name.clone(),
                pidfile,
                is_default_pidfile: settings.pidfile.is_none(),
                // Only attachments use it, and the first call of clock_gettime(2) costs two page faults (vDSO).
                since: if settings.attachments.is_empty() { SystemTime::UNIX_EPOCH } else { SystemTime::now() },
                addresses,
                process: settings.process_control.clone(),
                listen_fds: Arc::new(ListenFds::new(service.listen_fds.clone())),
            },
            identity,
            stops,
            grace: settings.grace(),
            handlers: Arc::new(HandlerThread::new(Arc::clone(&registered))),
            signals: registered,
            attachments: Mutex::default(),
            phase: Mutex::default(),
            notifier: notifier.map(Arc::new),
            pidfile: Mutex::new(lock.map(|lock| *lock)),
            pending: Mutex::new(None),
            program,
            detached,
            watched_parent,
            restart_obstacle: obstacle,
            start_timeout: settings.start_timeout,
            stop_timeout: settings.stop_timeout(),
            exit_cleanly: leave,
        });
        let dumpable = settings.core_dumps && changes_user;
        let ready_sender = Box::new(ReadySender { link, streams, outputs_due, dumpable });
        Ok(StagesDone { settings, context, ready_sender, block })
    }
}

fn register_handlers(daemon: &mut StartingDaemon) -> Result<HandledSignals> {
    let direct = daemon.launch.preflight.settings.signals.direct();
    let registered = HandledSignals::new(std::mem::take(&mut daemon.handled), direct);
    registered.map_err(|error| Error::stage(Stage::Signals, cause(&error)))
}

/// Returns the reason why this daemon cannot restart itself.
fn restart_obstacle(preflight: &Preflight, has_lock: bool) -> Option<&'static str> {
    if preflight.privileges.as_ref().is_some_and(Privileges::is_irreversible) {
        return Some("it has changed its user or root and could not start as it did");
    }
    if preflight.service.started_by_systemd {
        return Some("systemd would take that for the end of the service: let `systemctl restart` do it");
    }
    if is_main_process() {
        return Some(container::REFUSES_RESTART);
    }
    if !has_lock {
        return Some("it runs without a pidfile: let its service manager restart it");
    }
    None
}
