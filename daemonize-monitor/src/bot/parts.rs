//! The parts of a bot's specification.

use super::HttpUrl;
use daemonize_core::Signal;
use daemonize_sys::device::Device;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The exits after which a bot is restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// After every exit.
    #[default]
    Always,
    /// After every exit but one with status 0.
    OnFailure,
    /// Never.
    Never,
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Restart::Always => "always",
            Restart::OnFailure => "on-failure",
            Restart::Never => "never",
        })
    }
}

/// The largest [`Limit::exits`]; each exit within the limit is kept in memory.
pub(crate) const LARGEST_LIMIT: u32 = 1000;

/// How many exits a bot may have before it is given up: at most `exits` within any `window` are followed by a restart,
/// the next one within it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The exits that are followed by a restart. With 0, the bot is given up after its first exit; more than 1000 count as 1000.
    pub exits: u32,
    /// The sliding window in which exits are counted, on the monotonic clock.
    pub window: Duration,
}

impl Default for Limit {
    /// 5 exits per hour.
    fn default() -> Limit {
        Limit { exits: 5, window: Duration::from_secs(3600) }
    }
}

/// The delay before a bot that keeps exiting is restarted: exponential backoff with jitter.
///
/// The first restart in a row is at once, or after 0.1 s if a signal to stop may have ended the bot: a service manager may have sent it
/// to the monitor too. Before the second restart it waits `first`, then `factor` times longer each time, up
/// to `cap`. A run of at least `stable_after` ends the row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The delay before the second restart in a row.
    pub first: Duration,
    /// The factor by which each delay is longer than the one before; at least 1.
    pub factor: f64,
    /// The longest delay, including jitter.
    pub cap: Duration,
    /// The largest fraction of a delay, from 0 to 1, that is added at random, so that bots that failed together do not restart together.
    pub jitter: f64,
    /// The length of a run after which the delays start over.
    pub stable_after: Duration,
}

impl Default for Backoff {
    /// 1 s, doubled up to 60 s, up to a tenth added by chance, over after a run of 60 s.
    fn default() -> Backoff {
        let minute = Duration::from_secs(60);
        Backoff { first: Duration::from_secs(1), factor: 2.0, cap: minute, jitter: 0.1, stable_after: minute }
    }
}

/// One step of a stop: a signal, and how long to wait for the whole group to be gone before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopStep {
    /// Sent to the bot's whole group.
    pub signal: Signal,
    /// How long it has.
    pub timeout: Duration,
}

/// The condition under which a bot is ready. Dependent bots, and commands that wait for the start, wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// As soon as its program runs: also if the program ends a moment later.
    AtOnce,
    /// When its program has run for this time, or has sent `READY=1` (`sd_notify(3)`) before.
    After(Duration),
    /// When it sends `READY=1` (`sd_notify(3)`).
    Notify,
    /// When this address accepts a connection.
    Tcp(SocketAddr),
    /// When a GET request is answered with a status from 200 to 399.
    Http(HttpUrl),
    /// When this program, with these arguments, ends with status 0.
    Exec(Vec<OsString>),
    /// When this file exists. One that was there before the program was started counts only when it has changed.
    File(PathBuf),
    /// When a line of its output contains this text.
    Output(String),
    /// When it has exited with status 0: a job that other bots wait for. It is not restarted after that.
    Exit,
}

impl Ready {
    /// Returns `true` if the bot is given a socket on which it can say that it is ready.
    pub(crate) fn has_socket(&self) -> bool {
        matches!(self, Ready::Notify | Ready::After(_))
    }
}

impl Default for Ready {
    /// After 1 s.
    fn default() -> Ready {
        Ready::After(Duration::from_secs(1))
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ready::AtOnce => f.write_str("at-once"),
            Ready::After(time) => write!(f, "after {time:?}"),
            Ready::Notify => f.write_str("notify"),
            Ready::Tcp(address) => write!(f, "tcp {address}"),
            Ready::Http(url) => write!(f, "http {url}"),
            Ready::Exec(argv) => write!(f, "exec `{}`", argv.first().cloned().unwrap_or_default().to_string_lossy()),
            Ready::File(path) => write!(f, "file `{}`", path.display()),
            Ready::Output(text) => write!(f, "output {text:?}"),
            Ready::Exit => f.write_str("exit"),
        }
    }
}

/// The target of an output stream of a bot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogTarget {
    /// The monitor's memory, which keeps the last few lines.
    #[default]
    Memory,
    /// `/dev/null`; no lines are kept.
    Null,
    /// The monitor's own stdout or stderr.
    Inherit,
    /// The target of stdout, through the same pipe, so that lines stay in order. For stderr only.
    Stdout,
    /// A log file.
    File(Log),
}

/// A log file, and when to rotate it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The file, opened for appending; `PATH.1` is the newest rotated file.
    pub path: PathBuf,
    /// The size in bytes after which the file is rotated; 0 to leave rotation to another program, which then sends SIGHUP.
    pub max_size: u64,
    /// The number of rotated files to keep.
    pub keep: u32,
    /// If `true`, each line begins with the time.
    pub timestamps: bool,
}

impl Log {
    /// Creates a log file that is rotated at 10 MB, with 5 rotated files kept and no timestamps.
    pub fn new(path: impl Into<PathBuf>) -> Log {
        Log { path: path.into(), max_size: 10_000_000, keep: 5, timestamps: false }
    }
}

impl LogTarget {
    /// Returns what a log of this path means as the stream `number` (1 or 2) of a bot: `/dev/null` is no file but
    /// [`Null`](LogTarget::Null), and `/dev/stdout` and the like are [`Inherit`](LogTarget::Inherit); as stderr, `/dev/stdout`
    /// is [`Stdout`](LogTarget::Stdout).
    ///
    /// # Errors
    /// The path names a descriptor of the monitor that the stream cannot be.
    pub(crate) fn resolved(self, number: i32) -> Result<LogTarget, String> {
        let LogTarget::File(log) = self else { return Ok(self) };
        match Device::of(&log.path) {
            None => Ok(LogTarget::File(log)),
            Some(Device::Null) => Ok(LogTarget::Null),
            Some(Device::Descriptor(same)) if same == number => Ok(LogTarget::Inherit),
            Some(Device::Descriptor(1)) => Ok(LogTarget::Stdout),
            Some(Device::Descriptor(_)) => Err(format!(
                "`{}` is not a file: write \"inherit\" for the monitor's own stream, \"null\", or the path of a file",
                log.path.display()
            )),
        }
    }
}

impl From<Log> for LogTarget {
    fn from(log: Log) -> LogTarget {
        LogTarget::File(log)
    }
}
