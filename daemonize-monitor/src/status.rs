//! The status of bots, as commands and subscribers receive it.

use crate::bot::Limit;
use crate::counts::Counts;
use crate::health::{BotHealth, LastCheck};
use crate::restart_policy::Exit;
use daemonize_core::Pid;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// The state of a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It does not run, because it was not started or was stopped.
    Stopped,
    /// It starts as soon as its dependencies are ready.
    Waiting,
    /// Its program runs, but has not become ready.
    Starting,
    /// It runs, and is ready.
    Running,
    /// It runs, but a signal has suspended it (SIGSTOP), or a command has frozen it.
    Suspended,
    /// It has exited, and is restarted after a delay.
    BackingOff,
    /// The bot, or processes that it left behind, are being stopped.
    Stopping,
    /// It exited too often, and is not restarted until a command starts it.
    GaveUp,
    /// It exited with success, and is not restarted.
    Exited,
    /// It exited with a failure, and is not restarted.
    Failed,
}

impl State {
    /// All states.
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

    /// Returns `true` if no process of the bot runs, and none will until a command starts it.
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

    /// Returns the name, as in status pages and JSON.
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

/// The progress of a rolling restart of a bot's instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Rolling {
    /// The instances that were restarted and are ready.
    pub done: usize,
    /// All instances that are to be restarted.
    pub total: usize,
    /// Why it was stopped. The cause is that of the instance that failed; the others say which one that was.
    pub failure: Option<String>,
    /// `true` for an instance that was not restarted because another one failed: it runs on as before.
    pub untouched: bool,
}

/// A snapshot of the status of one bot.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BotStatus {
    /// The name.
    pub name: String,
    /// The group of bots that it belongs to.
    pub group: Option<String>,
    /// The state.
    pub state: State,
    /// The time in this state, on the monotonic clock.
    pub for_time: Duration,
    /// The time at which the state was entered, on the wall clock.
    pub since: SystemTime,
    /// The pid, while the bot has a process.
    pub pid: Option<Pid>,
    /// The time since the process was started.
    pub uptime: Option<Duration>,
    /// The main process has exited, but descendants may be left.
    pub(crate) is_ending: bool,
    /// The program.
    pub command: PathBuf,
    /// The reason of the state, or the last failure.
    pub reason: Option<String>,
    /// The time until the next restart or, if the bot was given up, until its limit would allow one.
    pub left: Option<Duration>,
    /// The last exits with their age, the newest last; as many as the limit counts.
    pub exits: Vec<(Duration, Exit)>,
    /// The limit of exits.
    pub limit: Limit,
    /// If `true`, the bot starts when the monitor starts.
    pub autostart: bool,
    /// The next run of its schedule, on the wall clock.
    pub next_run: Option<SystemTime>,
    /// The counts of events that the bot reported and that the monitor saw.
    pub counts: Counts,
    /// The bytes of output that could not be written to the log.
    pub lost_output: u64,
    /// The error that keeps the log from being written.
    pub log_trouble: Option<String>,
    /// If `true`, the bot is in no configuration, and is removed when it is destroyed.
    pub temporary: bool,
    /// The rolling restart that will restart this instance, is doing so, or was stopped before it.
    pub rolling: Option<Rolling>,
    /// The health, if the bot has a check and runs.
    pub health: Option<BotHealth>,
    /// The last check, if the bot was checked since it became ready.
    pub last_check: Option<LastCheck>,
    /// The most memory that it may use, in bytes.
    pub memory_max: Option<u64>,
    /// The path of its control group, as in `/proc/PID/cgroup`, if it has one of its own.
    pub cgroup: Option<String>,
    /// When a command has frozen all processes of its control group, if they are frozen; on the wall clock.
    pub frozen_since: Option<SystemTime>,
    /// Why the limits of its control group do not apply.
    pub cgroup_problem: Option<String>,
}

impl BotStatus {
    /// Returns the name without the instance number.
    pub fn family(&self) -> &str {
        crate::bot::family(&self.name)
    }
}

/// A change that subscribers receive.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// The state or the reason of a bot has changed.
    Bot(Box<BotStatus>),
    /// A bot was removed.
    Removed(String),
    /// This number of changes were dropped, because the subscriber did not keep up.
    Missed(u64),
}
