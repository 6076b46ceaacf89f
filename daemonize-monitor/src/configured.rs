//! A monitor as a file describes it: what it is to be, where it listens, how it is told to read the file again.

use crate::error::Result;
use crate::listener::Listener;
use crate::monitor::Monitor;
use crate::page::PAGE;
use crate::record::Recorder;
use crate::reloader::Reloader;
use crate::settings::{Handler, Settings};
use daemonize_control::Endpoint;
use daemonize_core::{Attachment, Daemon, Handle, Signal, Stdio};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Monitor {
    /// The monitor that this file describes; see `docs/monitor.md`.
    ///
    /// Its daemon answers on its endpoint, reads the file again at `SIGHUP`, and writes a log as the file says (unless
    /// the program has set a logger of the `log` crate itself).
    ///
    /// ```no_run
    /// daemonize_monitor::Monitor::from_config("/etc/daemonctl.toml")?.start()?;
    /// # Ok::<(), daemonize_monitor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Every mistake in the file, with its place and what to write.
    pub fn from_config(path: impl AsRef<Path>) -> Result<Monitor> {
        let reloader = Arc::new(Reloader::new(path.as_ref())?);
        let settings = reloader.settings();
        let again = Arc::clone(&reloader);
        let monitor = Monitor::builder(&settings.name)
            .bots(reloader.bots())
            .shutdown_timeout(settings.stop_timeout)
            .source(move || again.read_again())
            .daemon(|daemon| configured(daemon, &settings, reloader.recorder()))
            .build()?;
        Ok(monitor.listen_for(endpoint(&settings), Some(reloader)))
    }

    /// Answers on this endpoint, too: routes for all bots are added to it, and events and metrics of them. So a monitor
    /// that was built in code can be asked and told by `daemonctl` and any HTTP client.
    ///
    /// ```no_run
    /// use daemonize_monitor::control::Endpoint;
    /// use daemonize_monitor::{Bot, Monitor};
    ///
    /// Monitor::builder("lab").bot(Bot::new("web", "/usr/bin/web")).build()?.listen(Endpoint::new()).start()?;
    /// # Ok::<(), daemonize_monitor::Error>(())
    /// ```
    #[must_use]
    pub fn listen(self, endpoint: Endpoint) -> Monitor {
        self.listen_for(endpoint, None)
    }

    fn listen_for(self, endpoint: Endpoint, reloader: Option<Arc<Reloader>>) -> Monitor {
        let commands = self.commands();
        self.with_daemon(|daemon| {
            let (endpoint, beginning) = Listener::endpoint(endpoint, commands, reloader);
            daemon.attach(endpoint).attach(beginning)
        })
    }
}

/// Where the daemon of these settings has its pidfile.
pub(crate) fn pidfile(settings: &Settings) -> PathBuf {
    with_pidfile(Daemon::new(&settings.name), settings).pidfile_path()
}

fn with_pidfile(daemon: Daemon, settings: &Settings) -> Daemon {
    match &settings.pidfile {
        // Everything in it was expanded when it was read.
        Some(path) => daemon.pidfile(path.to_str().map_or_else(|| path.clone(), |text| text.replace('$', "$$").into())),
        None => daemon,
    }
}

fn configured(daemon: Daemon, settings: &Settings, recorder: &'static Recorder) -> Daemon {
    let daemon = with_pidfile(daemon, settings).attach(Recording(recorder)).handle(Signal::SIGHUP, || recorder.reopen());
    match settings.log {
        Some(Handler::Stdout) => daemon.stdout(Stdio::Keep),
        Some(Handler::Stderr) => daemon.stderr(Stdio::Keep),
        _ => daemon,
    }
}

fn endpoint(settings: &Settings) -> Endpoint {
    let control = settings.control;
    let endpoint = Endpoint::new().page(PAGE);
    match control.tcp {
        None => endpoint,
        Some(address) if control.token => endpoint.address(&address.to_string()),
        Some(address) => endpoint.address(&address.to_string()).without_token(),
    }
}

/// Writes the log from the moment on that the daemon is one.
struct Recording(&'static Recorder);

impl Attachment for Recording {
    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        self.0.begin();
        Ok(())
    }
}
