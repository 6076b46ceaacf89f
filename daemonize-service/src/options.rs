//! The options of a service: the values of the key `service`.

use std::path::PathBuf;
use std::time::Duration;

/// The parts of a program's service definition that the daemon's settings do not determine.
///
/// ```
/// use daemon::cli::{Hardening, Service};
/// use std::time::Duration;
///
/// let service = Service::new().hardening(Hardening::Strict).watchdog(Duration::from_secs(30));
/// # let _ = service;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Service {
    pub(crate) hardening: Hardening,
    pub(crate) watchdog: Option<Duration>,
    pub(crate) restart: RestartPolicy,
    pub(crate) sockets: Vec<String>,
    pub(crate) environment_file: Option<PathBuf>,
}

/// How far a systemd unit restricts the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hardening {
    /// No restrictions.
    Off,
    /// Restrictions that ordinary servers do not notice.
    #[default]
    Standard,
    /// All restrictions that `systemd-analyze security` rewards and this library's features survive.
    Strict,
}

/// When a service manager restarts the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestartPolicy {
    /// Never.
    Never,
    /// After an end by an error.
    #[default]
    OnFailure,
    /// After every end that the manager did not ask for.
    Always,
}

impl Service {
    /// Returns the defaults: [`Hardening::Standard`], [`RestartPolicy::OnFailure`], no watchdog, no sockets.
    #[must_use]
    pub fn new() -> Service {
        Service::default()
    }

    /// Sets how far a systemd unit restricts the program.
    #[must_use]
    pub fn hardening(mut self, hardening: Hardening) -> Self {
        self.hardening = hardening;
        self
    }

    /// Sets the watchdog's interval (`WatchdogSec=`); none unless set.
    #[must_use]
    pub fn watchdog(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.watchdog = interval.into();
        self
    }

    /// Sets when the service manager restarts the program.
    #[must_use]
    pub fn restart(mut self, policy: RestartPolicy) -> Self {
        self.restart = policy;
        self
    }

    /// Adds a socket that systemd opens for the program (`ListenStream=`), which gets a `.socket` unit.
    #[must_use]
    pub fn socket(mut self, address: impl Into<String>) -> Self {
        self.sockets.push(address.into());
        self
    }

    /// Sets the file from which the service manager reads secrets as environment variables (`EnvironmentFile=`).
    #[must_use]
    pub fn environment_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.environment_file = Some(path.into());
        self
    }
}
