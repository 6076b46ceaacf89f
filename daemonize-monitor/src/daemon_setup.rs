//! Sets up the daemon of a monitor from its settings: pidfile, logger, endpoint.

use crate::commands::Commands;
use crate::config_reload::Reloader;
use crate::listener::Listener;
use crate::logger::MonitorLogger;
use crate::page::{PAGE, POLICY};
use crate::settings::{Handler, Settings};
use daemonize_control::Endpoint;
use daemonize_core::attach::{Attachment, Handle, Phase};
use daemonize_core::settings::Stdio;
use daemonize_core::{Daemon, Signal};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// Returns the path of the pidfile.
pub(crate) fn pidfile(settings: &Settings) -> PathBuf {
    with_pidfile(Daemon::new(&settings.name), settings).pidfile_path()
}

/// Returns a daemon with the given settings and logger.
pub(crate) fn daemon(settings: &Settings, logger: &'static MonitorLogger) -> Daemon {
    let daemon = with_pidfile(Daemon::new(&settings.name), settings);
    let daemon = daemon
        .core_dumps(true)
        .attach(NoCoreDump)
        .attach(LoggerAttachment(logger))
        .handle(Signal::SIGHUP, || logger.reopen());
    match settings.log {
        Some(Handler::Stdout) => daemon.stdout(Stdio::Inherit),
        Some(Handler::Stderr) => daemon.stderr(Stdio::Inherit),
        _ => daemon,
    }
}

/// Returns the endpoint: a Unix socket, and TCP if the settings have an address.
pub(crate) fn endpoint(settings: &Settings) -> Endpoint {
    let endpoint = Endpoint::new().page(PAGE).page_policy(POLICY);
    match settings.control.tcp {
        None => endpoint,
        Some(address) if settings.control.token => endpoint.address(&address.to_string()),
        Some(address) => endpoint.address(&address.to_string()).without_token(),
    }
}

/// Attaches the endpoint with the routes of the monitor to the daemon.
pub(crate) fn listening(
    daemon: Daemon,
    endpoint: Endpoint,
    commands: Commands,
    reloader: Option<Arc<Reloader>>,
    has_page: bool,
) -> Daemon {
    let (endpoint, beginning) = Listener::endpoint(endpoint, commands, reloader, has_page);
    daemon.attach(endpoint).attach(beginning)
}

fn with_pidfile(daemon: Daemon, settings: &Settings) -> Daemon {
    match &settings.pidfile {
        // Variables were expanded when the configuration was read.
        Some(path) => daemon.pidfile(path.to_str().map_or_else(|| path.clone(), |text| text.replace('$', "$$").into())),
        None => daemon,
    }
}

/// Keeps the monitor from dumping core, by the soft limit alone: bots inherit the hard one, which without `CAP_SYS_RESOURCE` they
/// could not raise again for their `rlimits`.
struct NoCoreDump;

impl Attachment for NoCoreDump {
    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
        Ok(setrlimit(Resource::RLIMIT_CORE, 0, hard)?)
    }
}

/// Starts and stops the logger with the daemon.
struct LoggerAttachment(&'static MonitorLogger);

impl Attachment for LoggerAttachment {
    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        self.0.install();
        Ok(())
    }

    fn phase(&self, phase: Phase) {
        if phase == Phase::Ready {
            self.0.release();
        }
    }

    fn end(&self) {
        self.0.end();
    }
}
