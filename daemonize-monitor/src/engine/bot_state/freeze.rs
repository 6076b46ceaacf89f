//! A bot that a command has frozen: none of its processes runs, so no deadline to become ready passes.

use super::{Action, BotState, Context, Freeze, Run};
use crate::status::State;
use std::time::Instant;

/// The reason of a bot that is frozen.
pub(super) const FROZEN: &str = "frozen by a command";

impl BotState {
    /// Notes that all processes of the bot are frozen, or thawed.
    pub(super) fn freeze_changed(&mut self, is_frozen: bool, context: &Context, actions: &mut Vec<Action>) {
        match self.freeze {
            None if is_frozen && self.may_be_frozen() => self.frozen(context, actions),
            Some(freeze) if !is_frozen => self.thawed(freeze, context, actions),
            _ => {}
        }
    }

    fn frozen(&mut self, context: &Context, actions: &mut Vec<Action>) {
        self.freeze = Some(Freeze { since: context.now, extended: self.extended });
        if self.state == State::Starting {
            actions.push(Action::EndProbe);
            // Without a deadline until it is thawed.
            self.enter(State::Starting, Some(FROZEN.to_owned()), context, actions);
        } else {
            self.show_running(context, actions);
        }
    }

    fn thawed(&mut self, freeze: Freeze, context: &Context, actions: &mut Vec<Action>) {
        let time = context.now.saturating_duration_since(freeze.since);
        self.freeze = None;
        self.frozen_time += time;
        if self.state == State::Starting {
            self.enter(State::Starting, None, context, actions);
            self.extended = freeze.extended.and_then(|at| at.checked_add(time));
            self.await_ready(context, actions);
        } else {
            self.show_running(context, actions);
        }
    }

    /// Shows a bot that is ready as running, or as suspended.
    pub(super) fn show_running(&mut self, context: &Context, actions: &mut Vec<Action>) {
        let is_suspended = matches!(self.run, Run::Alive { is_suspended: true, .. });
        let (state, reason) = match self.freeze {
            Some(_) => (State::Suspended, Some(FROZEN.to_owned())),
            None if is_suspended => (State::Suspended, Some("suspended by a signal".to_owned())),
            None => (State::Running, None),
        };
        self.enter(state, reason, context, actions);
    }

    /// Returns `true` for a bot that runs, and is not being stopped.
    pub(in crate::engine) fn may_be_frozen(&self) -> bool {
        self.is_alive() && matches!(self.state, State::Starting | State::Running | State::Suspended)
    }

    /// Returns since when the bot is frozen, if it is.
    pub(in crate::engine) fn frozen_since(&self) -> Option<Instant> {
        self.freeze.map(|freeze| freeze.since)
    }
}
