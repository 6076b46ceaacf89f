//! The settings of the monitor itself: plain data.

pub(crate) mod default_name;
mod exit_when;
mod facility;
mod log_format;
mod webhook;
mod webhook_authorities;

pub use exit_when::ExitWhen;
pub use facility::Facility;
pub use log_format::{Format, Line};
pub use webhook::{Webhook, WebhookEvent};

use crate::bot::Log;
use daemonize_sys::device::Device;
use daemonize_sys::main_process::is_main_process;
use log::LevelFilter;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of a monitor, apart from its bots.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Its name, which its pidfile and log lines bear. One that a configuration does not name is called after its
    /// file.
    pub name: String,
    /// Its pidfile; the library's default for a daemon of this name if `None`.
    pub pidfile: Option<PathBuf>,
    /// The addresses on which it listens, besides its Unix socket.
    pub control: Control,
    /// The destination of its own log; if `None`, to syslog as a daemon and to stderr in the foreground.
    pub log: Option<Handler>,
    /// The level of its own log.
    pub log_level: LevelFilter,
    /// The format of a line of its own log.
    pub log_format: Format,
    /// The longest time of a whole shutdown. Processes that remain then receive `SIGKILL`.
    pub stop_timeout: Duration,
    /// The condition under which the monitor stops its bots and ends by itself.
    pub exit_when: ExitWhen,
    /// The address that learns what happens to bots.
    pub webhook: Option<Webhook>,
}

/// The default of `stop_timeout`.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// The default of `stop_timeout` in the main process of a container, which its runtime kills after 10 s by default.
const CONTAINER_STOP_TIMEOUT: Duration = Duration::from_secs(8);

impl Default for Settings {
    /// A monitor called `monitor` that listens on its Unix socket only. Its shutdown may take 60 s, or 8 s in the main process
    /// of a container, which would be killed in the middle of a longer one.
    fn default() -> Settings {
        Settings {
            name: default_name::DEFAULT.into(),
            pidfile: None,
            control: Control::default(),
            log: None,
            log_level: LevelFilter::Info,
            log_format: Format::default(),
            stop_timeout: if is_main_process() { CONTAINER_STOP_TIMEOUT } else { STOP_TIMEOUT },
            exit_when: ExitWhen::Never,
            webhook: None,
        }
    }
}

impl Settings {
    /// Returns `true` if a shutdown may take as long as it does in a container by default: then that was not chosen for these
    /// bots.
    pub(crate) fn has_container_stop_timeout(&self) -> bool {
        is_main_process() && self.stop_timeout == CONTAINER_STOP_TIMEOUT
    }
}

/// The addresses on which a monitor listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// An address of this machine only, for those who cannot use the Unix socket.
    pub tcp: Option<SocketAddr>,
    /// `true` if clients over TCP must send the token.
    pub token: bool,
}

impl Default for Control {
    /// The Unix socket only; with a token if TCP is opened.
    fn default() -> Control {
        Control { tcp: None, token: true }
    }
}

/// The destination of the monitor's own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handler {
    /// To syslog.
    Syslog(Facility),
    /// To a file.
    File(Log),
    /// To its stdout.
    Stdout,
    /// To its stderr.
    Stderr,
    /// Nowhere.
    Null,
}

impl Handler {
    /// Returns what a log of this path means: `/dev/null`, `/dev/stdout`, `/dev/stderr` and their other names are no files.
    pub(crate) fn of(log: Log) -> Handler {
        match Device::of(&log.path) {
            Some(Device::Null) => Handler::Null,
            Some(Device::Descriptor(1)) => Handler::Stdout,
            Some(Device::Descriptor(2)) => Handler::Stderr,
            _ => Handler::File(log),
        }
    }
}
