//! What is told of bots: plain data.

use crate::bot::Limit;
use crate::counts::Counts;
use crate::restart_policy::Exit;
use daemonize_core::Pid;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// What a bot is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It does not run, because it was not started or was stopped.
    Stopped,
    /// It is to run, as soon as those that it depends on are ready.
    Waiting,
    /// Its program runs, but has not become ready.
    Starting,
    /// It runs, and is ready.
    Running,
    /// It runs, but a signal has suspended it (SIGSTOP).
    Suspended,
    /// It ended, and is started again after a while.
    BackingOff,
    /// It is being stopped, or what it left behind is.
    Stopping,
    /// It ended too often, and waits for somebody to start it.
    GaveUp,
    /// It ended by itself with success, and is not started again.
    Exited,
    /// It ended by itself without success, and is not started again.
    Failed,
}

impl State {
    /// All of them.
    pub const ALL: [State; 10] = [
        State::Stopped,
        State::Waiting,
        State::Starting,
        State::Running,
        State::Suspended,
        State::BackingOff,
        State::Stopping,
        State::GaveUp,
        State::Exited,
        State::Failed,
    ];

    /// Whether nothing of it runs and nothing will, unless somebody starts it.
    pub fn is_down(self) -> bool {
        matches!(self, State::Stopped | State::GaveUp | State::Exited | State::Failed)
    }

    /// Returns `true` if the bot is as it should be: it runs and is ready, or has ended with success and is not started again.
    ///
    /// ```
    /// use daemonize_monitor::State;
    ///
    /// assert!(State::Running.is_up() && State::Exited.is_up());
    /// assert!(!State::Failed.is_up() && !State::Starting.is_up());
    /// ```
    pub fn is_up(self) -> bool {
        matches!(self, State::Running | State::Exited)
    }

    /// One word, as in status pages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            State::Stopped => "stopped",
            State::Waiting => "waiting",
            State::Starting => "starting",
            State::Running => "running",
            State::Suspended => "suspended",
            State::BackingOff => "backing-off",
            State::Stopping => "stopping",
            State::GaveUp => "gave-up",
            State::Exited => "exited",
            State::Failed => "failed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All there is to say of one bot, at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BotStatus {
    /// Its name.
    pub name: String,
    /// What it is at.
    pub state: State,
    /// For how long, on the clock that nobody sets.
    pub for_time: Duration,
    /// Since when, on the clock that people read.
    pub since: SystemTime,
    /// Its process, while there is one.
    pub pid: Option<Pid>,
    /// For how long that has been running.
    pub uptime: Option<Duration>,
    /// Its process has ended, and perhaps not all that was with it.
    pub(crate) is_ending: bool,
    /// Its program.
    pub command: PathBuf,
    /// Why it is not running, or what went wrong last.
    pub reason: Option<String>,
    /// Until it is started again, or, given up, until its limit would allow another start.
    pub left: Option<Duration>,
    /// How its last runs ended, and how long ago, the newest last; as many as its limit looks at.
    pub exits: Vec<(Duration, Exit)>,
    /// How many of them are forgiven, within which time.
    pub limit: Limit,
    /// Whether it is started with the monitor.
    pub autostart: bool,
    /// What it reported and what happened to it.
    pub counts: Counts,
    /// Bytes of its output that found no place in its log.
    pub lost_output: u64,
    /// Why its log cannot be written now.
    pub log_trouble: Option<String>,
    /// Whether it is in no configuration, and is forgotten when it is destroyed.
    pub temporary: bool,
}

impl BotStatus {
    /// Its name without the number of an instance.
    pub fn family(&self) -> &str {
        crate::bot::family(&self.name)
    }
}

/// Something that happened, for whoever looks on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// A bot is at something else than before.
    Bot(Box<BotStatus>),
    /// A bot was forgotten.
    Removed(String),
    /// So many changes were missed: whoever looks on was too slow.
    Missed(u64),
}
