//! The daemon that a verb is about: its settings for any arguments, and the way to its body.

use crate::exit_status::Failed;
use crate::options::{InstanceName, StartOptions, TargetOptions};
use daemonize_core::body::Work;
use daemonize_core::{Daemon, Started};
use daemonize_service::Service;
use std::ffi::OsString;

/// The daemon of a program.
pub(crate) trait Target {
    /// Returns the daemon for arguments of `start`: the program's own, and the standard options.
    ///
    /// # Errors
    /// The arguments are wrong.
    fn daemon(&self, arguments: &[OsString]) -> Result<Daemon, clap::Error>;

    /// Gives the daemon its body for the arguments, and launches it. Called once.
    ///
    /// # Errors
    /// The launch failed, for the reasons of [`Daemon::start`].
    fn launch(&self, daemon: Daemon, arguments: &[OsString], way: &LaunchWay) -> Result<Started, Failed>;
}

/// Launches a daemon that has its body, with the log level of the options.
pub(crate) fn launch<W: Work>(daemon: Daemon<W>, options: &StartOptions, way: &LaunchWay) -> Result<Started, Failed> {
    let daemon = with_log_level(daemon, options)?;
    let started = match way {
        LaunchWay::Start => daemon.start()?,
        LaunchWay::Foreground => match daemon.foreground()? {},
        LaunchWay::Replace(running) => daemon.restart_replacing(running)?,
    };
    Ok(started)
}

/// Sets the log level, which the daemon inherits, and lets `reload` change it.
#[cfg(feature = "logging")]
fn with_log_level<W>(daemon: Daemon<W>, options: &StartOptions) -> Result<Daemon<W>, Failed> {
    if let Some(level) = &options.log_level {
        let failed = |error| Failed::new(crate::exit_status::FailureClass::Usage, error);
        daemonize_logging::set_level(level).map_err(failed)?;
    }
    Ok(daemon.attach(daemonize_logging::LevelRequests::new()))
}

#[cfg(not(feature = "logging"))]
#[allow(clippy::unnecessary_wraps)] // As with logging.
fn with_log_level<W>(daemon: Daemon<W>, _: &StartOptions) -> Result<Daemon<W>, Failed> {
    Ok(daemon)
}

/// The way in which a daemon is launched.
#[derive(Debug)]
pub(crate) enum LaunchWay {
    /// In the background.
    Start,
    /// In this process.
    Foreground,
    /// In the background, in place of a daemon that is stopped once the new settings are checked.
    Replace(Daemon),
}

/// The daemon that a verb is about, and what is known about its program.
pub(crate) struct Subject<'a> {
    /// The name of the program, without an instance.
    pub(crate) name: &'a str,
    /// The sentence above the help.
    pub(crate) about: Option<&'a str>,
    /// The version of the program.
    pub(crate) version: Option<&'a str>,
    /// The options of the service definition.
    pub(crate) service: &'a Service,
    /// The arguments before the verb, in a program with a command line of its own.
    pub(crate) prefix: &'a [OsString],
    pub(crate) target: &'a dyn Target,
    /// `true` if exit statuses are those of LSB init scripts.
    pub(crate) lsb: bool,
}

impl Subject<'_> {
    /// Returns the daemon for arguments of `start`: the program's own, and the standard options.
    ///
    /// # Errors
    /// The arguments are wrong.
    pub(crate) fn daemon(&self, arguments: &[OsString]) -> Result<Daemon, clap::Error> {
        self.target.daemon(arguments)
    }

    /// Returns the name of the daemon, with its instance.
    pub(crate) fn daemon_name(&self, instance: Option<&InstanceName>) -> String {
        instance.map_or_else(|| self.name.to_owned(), |instance| instance.daemon_name(self.name))
    }

    /// Returns the daemon for no arguments but those that choose it; with default settings, if the program's own arguments are required.
    pub(crate) fn default_daemon(&self, options: &TargetOptions) -> Daemon {
        let arguments = options.to_arguments();
        self.daemon(&arguments).unwrap_or_else(|_| {
            let name = self.daemon_name(options.instance.as_ref());
            Daemon::new(name).pidfile(options.pidfile.clone())
        })
    }
}
