//! The state machine of one bot: a pure function of the state, the specification, the event and the time.
//!
//! Nothing here makes a system call, reads a clock or knows another bot. [`BotState::on`] takes an [`Event`] and returns the
//! [`Action`]s that the engine carries out, in order. Each operation that takes time (a stop, readiness, a backoff) is a state with a
//! deadline.
//!
//! A bot has at most one process: [`Run`] tells what it has. A stop ends with [`Event::Gone`], when nothing of the bot is
//! left; what follows then was noted before, as its [`NextState`].

mod event;
mod freeze;
mod start;
mod stop;
#[cfg(test)]
mod tests;

pub(super) use event::{Action, BotEvent, Context, NextState};

use crate::bot::Ready;
use crate::counts::BuiltIn;
use crate::restart_policy::{Decision, Exit, History, Rules, decide};
use crate::status::State;
use daemonize_core::{Pid, Signal};
use std::time::{Duration, Instant};

/// How long the first restart of a bot waits at least, if a signal to stop may have ended it: a service manager sends that to the
/// monitor and to all bots together, and a bot may end before the monitor has taken its own.
const STOP_RACE: Duration = Duration::from_millis(100);

/// The reason of a bot whose start hangs.
pub(super) const HANGS: &str = "its start does not come back: the mount of its program or directory does not answer, or the name \
                                service";

/// The process that a bot has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    None,
    /// A start is pending: there may be a process by now, or there will be one.
    Pending,
    Alive {
        began: Instant,
        is_suspended: bool,
    },
    /// The process has ended; descendants of it may be left.
    Ended {
        began: Instant,
    },
}

/// The freeze of a bot that was not thawed yet.
#[derive(Clone, Copy, Debug)]
struct Freeze {
    since: Instant,
    /// The later deadline that the bot had asked for.
    extended: Option<Instant>,
}

/// The state of one bot. See the module.
#[derive(Debug)]
pub(super) struct BotState {
    state: State,
    since: Instant,
    reason: Option<Box<str>>,
    run: Run,
    /// The state that follows when nothing of the bot is left.
    next: NextState,
    /// The bot is to stop when the bots that depend on it have stopped; what follows then.
    stop_mark: Option<NextState>,
    /// The step of the stop.
    step: usize,
    /// When the state has lasted too long, or is over.
    deadline: Option<Instant>,
    /// The later deadline that the bot has asked for (`EXTEND_TIMEOUT_USEC`).
    extended: Option<Instant>,
    /// When the restart limit would allow another start.
    until: Option<Instant>,
    /// Starts in a row that failed for lack of a resource.
    shortages: u32,
    history: History,
    /// The freeze of its processes, if they are frozen.
    freeze: Option<Freeze>,
    /// How long its process was frozen in all.
    frozen_time: Duration,
    /// The process ended by itself, and something that it had started was left.
    has_left_processes: bool,
    /// A child of the monitor that may be of the bot, but cannot be told to be; until it is reaped.
    survivor: Option<Pid>,
}

impl BotState {
    /// Makes the state of a bot that was never started.
    pub(super) fn new(now: Instant) -> BotState {
        BotState {
            state: State::Stopped,
            since: now,
            reason: None,
            run: Run::None,
            next: NextState::Stopped,
            stop_mark: None,
            step: 0,
            deadline: None,
            extended: None,
            until: None,
            shortages: 0,
            history: History::default(),
            freeze: None,
            frozen_time: Duration::ZERO,
            has_left_processes: false,
            survivor: None,
        }
    }

    /// Handles an event. Returns what is to be done about it, in this order.
    pub(super) fn on(&mut self, event: BotEvent, context: &Context) -> Vec<Action> {
        let mut actions = Vec::new();
        let todo = &mut actions;
        match event {
            BotEvent::Wanted { waits_for } => self.wanted(waits_for, context, todo),
            BotEvent::StartRequested => self.start_requested(todo),
            BotEvent::StartPending { hangs } if !hangs || self.state == State::Starting => {
                self.run = Run::Pending;
                self.enter(State::Starting, hangs.then(|| HANGS.to_owned()), context, todo);
            }
            BotEvent::Started => self.started(context, todo),
            BotEvent::StartFailed { reason, errno, is_shortage } => {
                self.start_failed(reason, errno, is_shortage, context, todo);
            }
            BotEvent::StartWithdrawn => {
                self.run = Run::None;
                todo.push(Action::LookForOrphans);
            }
            BotEvent::ReadinessChanged if self.state == State::Starting && self.run != Run::Pending => {
                todo.push(Action::EndProbe);
                // A frozen bot is waited for when it is thawed.
                if self.freeze.is_none() {
                    self.await_ready(context, todo);
                }
            }
            BotEvent::Ready => self.ready(context, todo),
            BotEvent::SuspensionChanged(is_suspended) => self.suspension_changed(is_suspended, context, todo),
            BotEvent::FreezeChanged(is_frozen) => self.freeze_changed(is_frozen, context, todo),
            BotEvent::Ended { exit, has_group } => self.ended(exit, has_group, context, todo),
            BotEvent::LeftProcesses if self.state != State::Stopping => {
                self.has_left_processes = true;
                self.begin_stop(context, todo);
            }
            BotEvent::Gone => self.gone(context, todo),
            BotEvent::StopRequested(next) => self.stop(next, context, todo),
            BotEvent::MarkedStopDue => self.stop_as_marked(context, todo),
            BotEvent::KillRequested(next) => {
                self.next = next;
                self.kill(context, todo);
            }
            BotEvent::Unfit { exit, reason } => self.stop_unfit(exit, reason, context, todo),
            BotEvent::SurvivesKill(reason) => self.survives_kill(reason, todo),
            BotEvent::TimerFired(at) => self.timer_fired(at, context, todo),
            BotEvent::TimeRequested(time) => self.time_requested(time, context),
            BotEvent::StartPending { .. } | BotEvent::ReadinessChanged | BotEvent::LeftProcesses => {}
        }
        actions
    }

    fn ended(&mut self, exit: Exit, has_group: bool, context: &Context, actions: &mut Vec<Action>) {
        let Run::Alive { began, .. } = self.run else { return };
        self.run = Run::Ended { began };
        self.freeze = None;
        let by_itself = self.state != State::Stopping;
        self.has_left_processes = by_itself && has_group;
        if by_itself {
            self.next = NextState::Decided(exit);
            self.step = 0;
        }
        actions.extend([Action::Count(BuiltIn::Exit), Action::LookForOrphans]);
        if by_itself && has_group {
            // A process that is left would be a second copy beside the next process.
            self.begin_stop(context, actions);
        }
    }

    /// Nothing is left of the process and its descendants.
    fn gone(&mut self, context: &Context, actions: &mut Vec<Action>) {
        actions.extend([Action::EndProbe, Action::ReleaseProcess]);
        (self.run, self.deadline) = (Run::None, None);
        let next = std::mem::replace(&mut self.next, NextState::Stopped);
        // A bot that was marked, and has ended before its turn came, is as good as stopped.
        match self.stop_mark.take().filter(|mark| *mark != NextState::Unchanged).unwrap_or(next) {
            // It was stopped before, and its state is not reported again.
            NextState::Stopped | NextState::Unchanged if self.state == State::Stopped => {
                actions.push(Action::ReleaseDependencies);
            }
            NextState::Stopped | NextState::Unchanged => self.enter(State::Stopped, None, context, actions),
            NextState::Started => actions.extend([Action::Count(BuiltIn::Restart), Action::Begin]),
            NextState::Forgotten => {
                self.enter(State::Stopped, None, context, actions);
                actions.push(Action::Forget);
            }
            NextState::Decided(exit) => self.decide(exit, context, actions),
        }
    }

    /// Follows the policy of a bot that ended by itself.
    fn decide(&mut self, exit: Exit, context: &Context, actions: &mut Vec<Action>) {
        if context.is_shutting_down {
            return self.enter(State::Stopped, None, context, actions);
        }
        let has_reason = matches!(exit, Exit::NotStarted(_) | Exit::Unhealthy | Exit::OverMemory);
        let reason = self.reason.take().filter(|_| has_reason);
        let mut told = reason.map_or_else(|| format!("ended by {exit}"), String::from);
        let hint = self.hint(exit);
        if let Some(hint) = hint {
            actions.push(Action::Warn(format!("ended by {exit}: {hint}")));
            told = format!("{told}: {hint}");
        }
        match decide(&Rules::from(context.bot), &mut self.history, exit, context.now, context.chance) {
            Decision::RestartAfter(wait) => {
                // Further restarts in a row wait as their backoff says.
                let is_first = self.history.restarts_in_a_row() <= 1;
                let wait = if is_first { wait.max(pause_before_restart(exit)) } else { wait };
                actions.push(Action::Count(BuiltIn::Restart));
                if wait.is_zero() {
                    actions.push(Action::Begin);
                } else {
                    self.enter(State::BackingOff, Some(told), context, actions);
                    self.set_deadline(wait, context, actions);
                }
            }
            Decision::GiveUp(given_up) => {
                self.until = Some(given_up.until);
                actions.push(Action::Warn(format!("is given up: it {given_up}")));
                let is_telling = hint.is_some() || has_reason;
                let told = if is_telling { format!("{given_up}: {told}") } else { given_up.to_string() };
                self.enter(State::GaveUp, Some(told), context, actions);
            }
            Decision::Done => {
                let state = if exit.is_success() { State::Exited } else { State::Failed };
                self.enter(state, Some(told), context, actions);
            }
        }
    }

    fn timer_fired(&mut self, at: Instant, context: &Context, actions: &mut Vec<Action>) {
        if self.deadline != Some(at) {
            return;
        }
        self.deadline = None;
        if let Some(later) = self.extended.take().filter(|later| *later > at) {
            self.deadline = Some(later);
            return actions.push(Action::SetTimer(later));
        }
        match self.state {
            State::BackingOff => actions.push(Action::Begin),
            State::Starting if matches!(context.bot.ready, Ready::After(_)) => self.ready(context, actions),
            State::Starting => {
                actions.push(Action::Warn(format!("was not ready within {:?}", context.bot.ready_timeout)));
                self.stop(NextState::Decided(Exit::NotReady), context, actions);
            }
            State::Stopping => self.next_step(context, actions),
            _ => {}
        }
    }

    fn enter(&mut self, state: State, reason: Option<String>, context: &Context, actions: &mut Vec<Action>) {
        let before = std::mem::replace(&mut self.state, state);
        self.reason = reason.map(String::into_boxed_str);
        (self.deadline, self.extended) = (None, None);
        if before != state {
            self.since = context.now;
        }
        if !matches!(state, State::Starting | State::Running | State::Suspended) {
            // Its processes are thawed before they receive a signal.
            self.freeze = None;
        }
        if state != State::GaveUp {
            self.until = None;
        }
        actions.push(Action::Report { is_other_state: before != state });
    }

    /// Sets how long the state may last.
    fn set_deadline(&mut self, time: Duration, context: &Context, actions: &mut Vec<Action>) {
        // A moment that the clock cannot tell never comes.
        let Some(at) = context.now.checked_add(time) else { return };
        (self.deadline, self.extended) = (Some(at), None);
        actions.push(Action::SetTimer(at));
    }
}

/// Returns how long a restart waits at least after such an end: none after a crash or `SIGKILL`, which no service manager
/// sends first.
fn pause_before_restart(exit: Exit) -> Duration {
    match exit {
        Exit::Status(_) | Exit::Signal(Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT | Signal::SIGHUP) => {
            STOP_RACE
        }
        Exit::Signal(_) | Exit::NotStarted(_) | Exit::NotReady | Exit::Unhealthy | Exit::OverMemory => Duration::ZERO,
    }
}
