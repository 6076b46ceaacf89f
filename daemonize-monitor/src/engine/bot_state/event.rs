//! The events and actions of a bot's state.

use crate::bot::Bot;
use crate::counts::BuiltIn;
use crate::restart_policy::Exit;
use daemonize_core::Signal;
use std::time::{Duration, Instant};

/// The circumstances of an event.
pub(in crate::engine) struct Context<'a> {
    /// The specification of the bot.
    pub(in crate::engine) bot: &'a Bot,
    pub(in crate::engine) now: Instant,
    /// From 0 to 1: picks the jitter of a backoff.
    pub(in crate::engine) chance: f64,
    /// `true` if the monitor is stopping: no bot starts any more.
    pub(in crate::engine) is_shutting_down: bool,
}

/// An event of a bot.
#[derive(Clone, Debug)]
pub(in crate::engine) enum BotEvent {
    /// The bot is to run, and all that it depends on was started; `waits_for` says what is not ready yet.
    Wanted { waits_for: Option<String> },
    /// An operator asks for a start.
    StartRequested,
    /// A start is begun whose outcome comes later; with `hangs` it has not come for long.
    StartPending { hangs: bool },
    /// The program is executed.
    Started,
    /// There is no process.
    StartFailed { reason: String, errno: i32, is_shortage: bool },
    /// A start that was pending was withdrawn before it had a process.
    StartWithdrawn,
    /// A reload may have changed how the bot becomes ready.
    ReadinessChanged,
    /// The bot is ready.
    Ready,
    /// A signal has suspended the process, or resumed it.
    SuspensionChanged(bool),
    /// A command has frozen all processes of the bot, or thawed them.
    FreezeChanged(bool),
    /// The process has ended. `has_group`: other processes are left in its group.
    Ended { exit: Exit, has_group: bool },
    /// The process has ended, but not all that it started.
    LeftProcesses,
    /// Nothing is left of the process and its descendants.
    Gone,
    /// The bot is to stop at once.
    StopRequested(NextState),
    /// The bots have stopped for which a marked bot waited.
    MarkedStopDue,
    /// The bot is to be killed.
    KillRequested(NextState),
    /// The bot runs, but must not run on: it is stopped, and its policy decides as after an exit of this cause.
    Unfit { exit: Exit, reason: String },
    /// SIGKILL has not ended all of the bot, for this reason.
    SurvivesKill(String),
    /// A timer has fired that was set for this moment; it may be one that does not matter any more.
    TimerFired(Instant),
    /// The bot asks for so much time from now on.
    TimeRequested(Duration),
}

/// An action that the engine carries out for a bot.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) enum Action {
    /// Tells subscribers and waiting commands of the bot's state or reason, which may be another one.
    Report { is_other_state: bool },
    /// Starts the bot, after what it depends on: answers with [`Event::Wanted`].
    Begin,
    /// Starts the program when its turn comes.
    QueueStart,
    /// Withdraws a start that is pending.
    WithdrawStart,
    /// Starts the bots that it depends on.
    StartDependencies,
    /// Starts the bots that have waited for it.
    StartDependents,
    /// Looks whether a bot that it depends on may stop now.
    ReleaseDependencies,
    /// Asks again and again whether the bot is ready.
    BeginProbe,
    /// Stops asking.
    EndProbe,
    /// Sends a signal to the bot's group and its orphans. `hurries`: the bot was asked to end before.
    Signal { signal: Signal, hurries: bool },
    /// Fires [`Event::TimerFired`] at this moment.
    SetTimer(Instant),
    /// Looks whether anything is left of the bot, until nothing is ([`Event::Gone`]).
    LookForOrphans,
    /// Gives back the process and all that was kept for it.
    ReleaseProcess,
    /// Reports what SIGKILL has not ended.
    ReportSurvivors,
    /// Removes the bot.
    Forget,
    /// Counts an event of the bot.
    Count(BuiltIn),
    /// Logs a warning whose subject is the bot.
    Warn(String),
}

/// The state that follows when nothing of a bot is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum NextState {
    /// It was stopped, and stays so.
    Stopped,
    /// It is started.
    Started,
    /// It does not run, and stays what it is. It is marked only so that what it depends on waits for what depends on it.
    Unchanged,
    /// It is removed.
    Forgotten,
    /// Its policy decides: it ended by itself.
    Decided(Exit),
}
