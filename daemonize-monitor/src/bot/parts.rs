//! The parts of a bot's specification.

use daemonize_core::Signal;
use daemonize_sys::device::Device;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// When a bot that ended by itself is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// However it ended.
    #[default]
    Always,
    /// Unless it ended with status 0.
    OnFailure,
    /// Never: an end is an end.
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

/// The most exits that can be forgiven: each of them is remembered.
pub(crate) const LARGEST_LIMIT: u32 = 1000;

/// How many exits a bot may have before it is given up: at most `exits` within any `window` are followed by a restart,
/// the next one within it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Exits that are forgiven. With 0 the first exit is one too many; more than 1000 count as 1000.
    pub exits: u32,
    /// The time in which they are counted, on the monotonic clock.
    pub window: Duration,
}

impl Default for Limit {
    /// 5 exits per hour.
    fn default() -> Limit {
        Limit { exits: 5, window: Duration::from_secs(3600) }
    }
}

/// How long a bot that keeps ending waits before it is started again.
///
/// The first restart in a row is at once, or after 0.1 s if a signal to stop may have ended the bot: a service manager may have sent it
/// to the monitor too. Before the second restart it waits `first`, then `factor` times longer each time, up
/// to `cap`. A run of at least `stable_after` ends the row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Before the second restart in a row.
    pub first: Duration,
    /// What each wait is multiplied by for the next; at least 1.
    pub factor: f64,
    /// No wait is longer, its jitter included.
    pub cap: Duration,
    /// Up to this part of a wait is added by chance, so that bots which fell together do not rise together: 0 to 1.
    pub jitter: f64,
    /// A run of this length was a success: the row of restarts is over.
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

/// How one knows that a bot is ready, for those that depend on it, and for a command that waits for its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// As soon as its program runs: also if the program ends a moment later.
    AtOnce,
    /// When its program has run for this time, or says `READY=1` before that, as to `sd_notify(3)`.
    After(Duration),
    /// When it says `READY=1`, as to `sd_notify(3)`.
    Notify,
    /// When this address accepts a connection.
    Tcp(SocketAddr),
    /// When this file exists. One that was there before the program was started counts only when it has changed.
    File(PathBuf),
    /// When a line of its output contains this text.
    Output(String),
    /// When it has ended with status 0: a job that the others wait for. It is not started again after that.
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
            Ready::File(path) => write!(f, "file `{}`", path.display()),
            Ready::Output(text) => write!(f, "output {text:?}"),
            Ready::Exit => f.write_str("exit"),
        }
    }
}

/// Where one of a bot's output streams goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogTarget {
    /// Nowhere but the few lines that the monitor keeps in memory to show.
    #[default]
    Memory,
    /// To `/dev/null`; not even the last lines are kept.
    Null,
    /// To the monitor's own stream of that number.
    Inherit,
    /// To wherever stdout goes, through the same pipe, so that the lines stay in order. For stderr only.
    Stdout,
    /// To a file.
    File(Log),
}

/// A log file, and when it is put aside for a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The file, appended to; `PATH.1` is the newest of those put aside.
    pub path: PathBuf,
    /// Bytes after which it is put aside; 0 for never (by something else, which then sends HUP).
    pub max_size: u64,
    /// How many that were put aside are kept.
    pub keep: u32,
    /// Whether each line begins with the time.
    pub timestamps: bool,
}

impl Log {
    /// A log file of at most 10 MB, of which 5 old ones are kept; lines as the bot writes them.
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
