//! A world that does what the actions of a bot's state say, with a process that ends when it is killed or by itself.

use super::super::{Action, BotEvent, BotState, Context, NextState};
use crate::bot::Bot;
use crate::restart_policy::Exit;
use crate::status::State;
use daemonize_core::Signal;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// More actions than any event is answered with.
const MAX_ACTIONS: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    None,
    Pending,
    Alive,
    Ended,
}

/// One step of a history. A step that is impossible at that moment is left out.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Start,
    Stop(NextState),
    Mark(NextState),
    MarkedStopDue,
    Kill,
    /// The turn of a queued start comes; what becomes of it.
    Launch(Launch),
    /// A start that hung has an outcome.
    PendingOver(Launch),
    End(Exit, bool),
    /// A look for orphans has found something, or nothing.
    Look(bool),
    NextTimer,
    Ready,
    Suspend(bool),
    Freeze(bool),
    RequestTime(u64),
    Reload,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Launch {
    Works,
    Fails,
    LacksResources,
    Pends,
}

pub(super) struct World {
    pub(super) state: BotState,
    pub(super) bot: Bot,
    pub(super) now: Instant,
    pub(super) process: Process,
    pub(super) is_queued: bool,
    pub(super) is_searched: bool,
    /// How often the bot was forgotten.
    pub(super) forgotten: usize,
    pub(super) timers: BTreeSet<Instant>,
    pub(super) last_signal: Option<Signal>,
    /// A start that is pending can be withdrawn: it has no process yet.
    pub(super) is_withdrawable: bool,
}

impl World {
    pub(super) fn new(bot: Bot, is_withdrawable: bool) -> World {
        let now = Instant::now();
        World {
            state: BotState::new(now),
            bot,
            now,
            process: Process::None,
            is_queued: false,
            is_searched: false,
            forgotten: 0,
            timers: BTreeSet::new(),
            last_signal: None,
            is_withdrawable,
        }
    }

    pub(super) fn on(&mut self, event: BotEvent) -> Vec<Action> {
        let context = Context { bot: &self.bot, now: self.now, chance: 0.5, is_shutting_down: false };
        let told = event.clone();
        let actions = self.state.on(event, &context);
        assert!(actions.len() <= MAX_ACTIONS, "{told:?} is answered with {actions:?}");
        for action in &actions {
            self.act(action);
        }
        actions
    }

    pub(super) fn act(&mut self, action: &Action) {
        match action {
            Action::Begin => drop(self.on(BotEvent::Wanted { waits_for: None })),
            Action::QueueStart => {
                assert_eq!(self.process, Process::None, "a second process would be started");
                self.is_queued = true;
            }
            Action::WithdrawStart => {
                assert_eq!(self.process, Process::Pending);
                if self.is_withdrawable {
                    self.process = Process::None;
                    self.on(BotEvent::StartWithdrawn);
                }
            }
            Action::SetTimer(at) => drop(self.timers.insert(*at)),
            Action::LookForOrphans => self.is_searched = true,
            Action::ReleaseProcess => {
                assert!(matches!(self.process, Process::None | Process::Ended), "a living process is given back");
                (self.process, self.is_searched) = (Process::None, false);
            }
            Action::Signal { signal, .. } => self.last_signal = Some(*signal),
            Action::Forget => self.forgotten += 1,
            _ => {}
        }
    }

    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Start => drop(self.on(BotEvent::StartRequested)),
            Step::Stop(next) => drop(self.on(BotEvent::StopRequested(*next))),
            Step::Mark(next) => self.state.mark_to_stop(*next),
            Step::MarkedStopDue => drop(self.on(BotEvent::MarkedStopDue)),
            Step::Kill => drop(self.on(BotEvent::KillRequested(NextState::Stopped))),
            Step::Launch(launch) => {
                if std::mem::take(&mut self.is_queued) && self.state.state() == State::Waiting {
                    assert_eq!(self.process, Process::None, "a second process is started");
                    self.launch(*launch);
                }
            }
            Step::PendingOver(launch) if self.process == Process::Pending => self.launch(*launch),
            Step::End(exit, has_group) if self.process == Process::Alive => self.end(*exit, *has_group),
            Step::Look(is_left) if self.is_searched && self.process != Process::Alive => {
                self.on(if *is_left { BotEvent::LeftProcesses } else { BotEvent::Gone });
            }
            Step::NextTimer => drop(self.next_timer()),
            Step::Ready if self.process == Process::Alive => drop(self.on(BotEvent::Ready)),
            Step::Suspend(yes) if self.process == Process::Alive => drop(self.on(BotEvent::SuspensionChanged(*yes))),
            Step::Freeze(yes) => drop(self.on(BotEvent::FreezeChanged(*yes))),
            Step::RequestTime(seconds) => drop(self.on(BotEvent::TimeRequested(Duration::from_secs(*seconds)))),
            Step::Reload => drop(self.on(BotEvent::ReadinessChanged)),
            Step::PendingOver(_) | Step::End(..) | Step::Look(_) | Step::Ready | Step::Suspend(_) => {}
        }
    }

    pub(super) fn launch(&mut self, launch: Launch) {
        let failed = |is_shortage| BotEvent::StartFailed { reason: "failed".into(), errno: 2, is_shortage };
        let (process, event) = match launch {
            Launch::Works => (Process::Alive, BotEvent::Started),
            Launch::Fails => (Process::None, failed(false)),
            Launch::LacksResources => (Process::None, failed(true)),
            Launch::Pends => (Process::Pending, BotEvent::StartPending { hangs: self.process == Process::Pending }),
        };
        self.process = process;
        self.on(event);
    }

    pub(super) fn end(&mut self, exit: Exit, has_group: bool) {
        self.process = Process::Ended;
        self.on(BotEvent::Ended { exit, has_group });
    }

    pub(super) fn next_timer(&mut self) -> Option<Vec<Action>> {
        let at = self.timers.pop_first()?;
        self.now = self.now.max(at);
        Some(self.on(BotEvent::TimerFired(at)))
    }

    pub(super) fn check(&self) {
        let (state, process) = (self.state.state(), self.process);
        let told = format!("{state:?}, {process:?}, {:?}", self.state);
        assert_eq!(self.state.is_alive(), process == Process::Alive, "{told}");
        assert_eq!(self.state.is_pending(), process == Process::Pending, "{told}");
        assert!(!state.is_down() || process == Process::None, "a bot that is down has a process: {told}");
        if process == Process::Alive {
            assert!(
                matches!(state, State::Starting | State::Running | State::Suspended | State::Stopping),
                "a process of a bot that does not run: {told}"
            );
        }
        assert!(process != Process::Ended || self.is_searched, "nothing looks for the end of: {told}");
        assert!(state != State::Waiting || self.is_queued, "nothing ends the wait of: {told}");
        if self.state.frozen_since().is_some() {
            assert!(
                self.state.may_be_frozen() && self.state.deadline().is_none(),
                "a frozen bot has a deadline: {told}"
            );
            assert_ne!(state, State::Running, "a frozen bot is shown as running: {told}");
        }
        if let Some(deadline) = self.state.deadline() {
            assert!(self.timers.contains(&deadline), "no timer for the deadline of: {told}");
        }
        if matches!(state, State::Stopping | State::BackingOff) {
            assert!(self.state.deadline().is_some(), "nothing ends the state of: {told}");
        }
        let waits_for_look = state == State::Stopping && matches!(process, Process::None | Process::Ended);
        assert!(!waits_for_look || self.is_searched, "nothing looks whether it is gone: {told}");
    }
}
