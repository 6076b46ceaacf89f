//! The graceful stop of a bot, signal by signal up to SIGKILL; the marks of bots that wait for dependents; queries.

use super::{Action, BotState, Context, NextState, Run};
use crate::bot::{Bot, Ready};
use crate::counts::BuiltIn;
use crate::restart_policy::{Exit, History};
use crate::status::State;
use daemonize_core::{Pid, Signal};
use std::time::{Duration, Instant};

/// The interval at which SIGKILL is retried while a process of the bot survives it.
const KILL_INTERVAL: Duration = Duration::from_secs(1);

/// Stopping.
impl BotState {
    /// Stops the bot; `next` follows. A stop that is under way is not hurried.
    pub(super) fn stop(&mut self, next: NextState, context: &Context, actions: &mut Vec<Action>) {
        (self.next, self.stop_mark) = (next, None);
        if self.is_settled() {
            // Nothing is waited for that does not run.
            return self.gone(context, actions);
        }
        if self.state == State::Stopping {
            return;
        }
        if self.run == Run::Pending {
            // There is no program yet that could end in order.
            return self.kill(context, actions);
        }
        if !self.is_alive() {
            // It may have left something behind when it ended by itself.
            actions.push(Action::LookForOrphans);
        }
        self.begin_stop(context, actions);
    }

    /// Stops a marked bot, now that the bots that depend on it have stopped.
    pub(super) fn stop_as_marked(&mut self, context: &Context, actions: &mut Vec<Action>) {
        let Some(mark) = self.stop_mark else { return };
        if mark == NextState::Unchanged {
            self.stop_mark = None;
            // A finished job is ready again.
            return actions.extend([Action::ReleaseDependencies, Action::StartDependents]);
        }
        self.stop(mark, context, actions);
        if self.state == State::Stopping {
            // The mark stays until the process is gone: the bot's dependencies wait for that.
            self.stop_mark = Some(mark);
        }
    }

    /// Stops a bot that must not run on, unless it is to stop anyway; its policy decides what follows.
    pub(super) fn stop_unfit(&mut self, exit: Exit, reason: String, context: &Context, actions: &mut Vec<Action>) {
        if !self.is_alive() || self.state == State::Stopping || self.stop_mark.is_some() {
            return;
        }
        actions.push(Action::Warn(format!("is stopped: {reason}")));
        self.next = NextState::Decided(exit);
        self.begin_stop(context, actions);
        self.reason = Some(reason.into_boxed_str());
    }

    /// Sends the signal of the first step.
    pub(super) fn begin_stop(&mut self, context: &Context, actions: &mut Vec<Action>) {
        actions.push(Action::EndProbe);
        self.step = 0;
        self.enter(State::Stopping, None, context, actions);
        self.signal_step(context, actions);
    }

    /// Sends the signal of the next step, since the time of this one is over.
    pub(super) fn next_step(&mut self, context: &Context, actions: &mut Vec<Action>) {
        self.step += 1;
        if self.step > context.bot.stop.len() {
            actions.push(Action::ReportSurvivors);
        }
        self.signal_step(context, actions);
    }

    /// Goes to SIGKILL at once.
    pub(super) fn kill(&mut self, context: &Context, actions: &mut Vec<Action>) {
        self.stop_mark = None;
        if self.is_settled() {
            return self.gone(context, actions);
        }
        if self.state != State::Stopping {
            if !self.is_alive() && self.run != Run::Pending {
                actions.push(Action::LookForOrphans);
            }
            actions.push(Action::EndProbe);
            let reason = self.reason.take().filter(|_| self.run == Run::Pending).map(String::from);
            self.enter(State::Stopping, reason, context, actions);
        }
        self.step = context.bot.stop.len();
        self.signal_step(context, actions);
    }

    /// Sends the signal of the current step to all that is known of the bot, and sets how long the step may take.
    pub(super) fn signal_step(&mut self, context: &Context, actions: &mut Vec<Action>) {
        let bot = context.bot;
        let (signal, time) = self.current_step(bot);
        if signal == Signal::SIGKILL
            && self.step <= bot.stop.len()
            && matches!(self.run, Run::Alive { .. } | Run::Ended { .. })
        {
            actions.push(Action::Count(BuiltIn::Kill));
        }
        actions.push(Action::Signal { signal, hurries: bot.hurries(self.step) });
        match self.run {
            Run::Pending => actions.push(Action::WithdrawStart),
            Run::None | Run::Ended { .. } => actions.push(Action::LookForOrphans),
            Run::Alive { .. } => {}
        }
        self.set_deadline(time, context, actions);
    }

    pub(super) fn survives_kill(&mut self, reason: String, actions: &mut Vec<Action>) {
        if self.state == State::Stopping && self.reason.as_deref() != Some(&*reason) {
            actions.push(Action::Warn(format!("is still being stopped: {reason}")));
            self.reason = Some(reason.into());
            actions.push(Action::Report { is_other_state: false });
        }
    }

    /// Returns the signal of the current step and how long the step may take: SIGKILL after the last one.
    pub(in crate::engine) fn current_step(&self, bot: &Bot) -> (Signal, Duration) {
        bot.stop.get(self.step).map_or((Signal::SIGKILL, KILL_INTERVAL), |step| (step.signal, step.timeout))
    }

    /// Returns the signal of the step after the current one.
    pub(in crate::engine) fn following_signal(&self, bot: &Bot) -> Signal {
        bot.stop.get(self.step + 1).map_or(Signal::SIGKILL, |step| step.signal)
    }
}

/// Marks, which keep the order of stops among bots, and other notes that change no state.
impl BotState {
    /// Marks a bot that is to stop, unless it is about to be forgotten. One that does not run is marked as well: what it
    /// depends on waits for what depends on it.
    pub(in crate::engine) fn mark_to_stop(&mut self, next: NextState) {
        if self.state != State::Stopping || self.next != NextState::Forgotten {
            self.stop_mark = Some(next);
        }
    }

    /// Replaces the mark, or removes it.
    pub(in crate::engine) fn set_mark(&mut self, mark: Option<NextState>) {
        self.stop_mark = mark;
    }

    /// Forgives what was before, as an operator's start does.
    pub(in crate::engine) fn forget_history(&mut self) {
        self.history.forget();
    }

    /// Notes that the process left others behind when it ended by itself; no effect during a stop.
    pub(in crate::engine) fn note_left_processes(&mut self) {
        self.has_left_processes |= self.state != State::Stopping;
    }

    /// Notes a child of the monitor that may be of the bot; the first one counts. Returns the one that is noted.
    pub(in crate::engine) fn note_survivor(&mut self, survivor: Option<Pid>) -> Option<Pid> {
        self.survivor = self.survivor.or(survivor);
        self.survivor
    }

    /// Forgets a child that has been reaped. Returns `true` if it was noted for this bot.
    pub(in crate::engine) fn forget_survivor(&mut self, reaped: Pid) -> bool {
        self.survivor.take_if(|survivor| *survivor == reaped).is_some()
    }
}

/// Queries.
impl BotState {
    pub(in crate::engine) fn state(&self) -> State {
        self.state
    }

    pub(in crate::engine) fn since(&self) -> Instant {
        self.since
    }

    /// Returns why the bot is in its state, without what may be left of it.
    pub(in crate::engine) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    pub(in crate::engine) fn history(&self) -> &History {
        &self.history
    }

    pub(in crate::engine) fn stop_mark(&self) -> Option<NextState> {
        self.stop_mark
    }

    pub(in crate::engine) fn next(&self) -> NextState {
        self.next
    }

    /// Returns what follows the stop of its process that is under way, if there is one.
    pub(in crate::engine) fn pending_stop(&self) -> Option<NextState> {
        let mark = self.stop_mark.filter(|mark| *mark != NextState::Unchanged);
        (self.state == State::Stopping).then(|| mark.unwrap_or(self.next))
    }

    /// Returns when the state has lasted too long or is over, without the time that the bot has asked for.
    pub(in crate::engine) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns when the state has lasted too long or is over.
    pub(in crate::engine) fn extended_deadline(&self) -> Option<Instant> {
        self.extended.or(self.deadline)
    }

    /// Returns when the bot is started again, or, for one that was given up, when its limit would allow another start.
    pub(in crate::engine) fn next_start(&self) -> Option<Instant> {
        if self.state == State::BackingOff { self.deadline } else { self.until }
    }

    /// Returns `true` if bots that depend on it may start: it is ready, and not about to stop.
    pub(in crate::engine) fn is_ready(&self, bot: &Bot) -> bool {
        let is_up = matches!(self.state, State::Running | State::Suspended);
        self.stop_mark.is_none() && (is_up || self.has_finished(bot))
    }

    /// Returns `true` if it is a job that has ended with success.
    pub(in crate::engine) fn has_finished(&self, bot: &Bot) -> bool {
        self.state == State::Exited && bot.ready == Ready::Exit
    }

    /// Returns `true` if it is removed when nothing of it is left.
    pub(in crate::engine) fn is_to_be_forgotten(&self) -> bool {
        self.stop_mark == Some(NextState::Forgotten) || self.next == NextState::Forgotten
    }

    /// Returns `true` if its process lives, as far as is known.
    pub(in crate::engine) fn is_alive(&self) -> bool {
        matches!(self.run, Run::Alive { .. })
    }

    /// Returns `true` if its start is pending.
    pub(in crate::engine) fn is_pending(&self) -> bool {
        self.run == Run::Pending
    }

    /// Returns `true` if it has a process, which may have ended, or a start that is pending.
    pub(in crate::engine) fn has_run(&self) -> bool {
        self.run != Run::None
    }

    /// Returns when the program of its process was executed, which may have ended.
    pub(in crate::engine) fn began(&self) -> Option<Instant> {
        match self.run {
            Run::Alive { began, .. } | Run::Ended { began } => Some(began),
            Run::None | Run::Pending => None,
        }
    }

    /// Returns `true` if nothing of it is left, so that a stop is over at once.
    ///
    /// One that ended by itself had nothing left either when it was last looked for, but is looked for once more: what it
    /// had started may have been a child of another bot's process then, and be a child of the monitor by now.
    pub(super) fn is_settled(&self) -> bool {
        let is_busy = self.has_run() || matches!(self.state, State::Starting | State::Stopping);
        !is_busy && (self.state == State::Stopped || self.history.last().is_none())
    }

    /// Returns the reason of the state, and what may be left of the bot.
    pub(in crate::engine) fn told_reason(&self) -> Option<String> {
        let survivor = self.survivor.map(|pid| {
            format!(
                "process {pid} lives on, which it may have started: that has left its session and cleared its environment"
            )
        });
        let parts: Vec<String> = self.reason().map(str::to_owned).into_iter().chain(survivor).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// Returns what to say of a program that ended with success and left processes.
    pub(super) fn hint(&self, exit: Exit) -> Option<&'static str> {
        let has_left = exit.is_success() && (self.has_left_processes || self.survivor.is_some());
        has_left.then_some(
            "it left processes behind: if it is a daemon that goes to the background, have it stay in the foreground",
        )
    }
}
