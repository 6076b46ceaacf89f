//! The start of a bot: from the wish that it runs until it is ready.

use super::{Action, BotState, Context, NextState, Run};
use crate::bot::Ready;
use crate::counts::BuiltIn;
use crate::restart_policy::Exit;
use crate::status::State;
use std::time::Duration;

/// How long to wait after a start that failed for lack of a resource: the first time, and at most.
const FIRST_SHORTAGE_BACKOFF: Duration = Duration::from_millis(100);
const MAX_SHORTAGE_BACKOFF: Duration = Duration::from_secs(10);

/// How long after its beginning a start or a stop may last at most because the bot asks for more time.
const MAX_TIMEOUT_EXTENSION: Duration = Duration::from_secs(3600);

impl BotState {
    pub(super) fn wanted(&mut self, waits_for: Option<String>, context: &Context, actions: &mut Vec<Action>) {
        if context.is_shutting_down {
            return self.enter(State::Stopped, None, context, actions);
        }
        let is_free = waits_for.is_none();
        self.enter(State::Waiting, waits_for, context, actions);
        if is_free {
            actions.push(Action::QueueStart);
        }
    }

    /// An operator's start forgives what was before.
    pub(super) fn start_requested(&mut self, actions: &mut Vec<Action>) {
        match self.state {
            State::Running | State::Suspended | State::Starting => {}
            State::Stopping => {
                self.history.forget();
                self.next = NextState::Started;
                actions.push(Action::StartDependencies);
            }
            State::Stopped | State::GaveUp | State::Exited | State::Failed | State::BackingOff | State::Waiting => {
                self.history.forget();
                actions.extend([Action::StartDependencies, Action::Begin]);
            }
        }
    }

    pub(super) fn started(&mut self, context: &Context, actions: &mut Vec<Action>) {
        self.run = Run::Alive { began: context.now, is_suspended: false };
        (self.freeze, self.frozen_time) = (None, Duration::ZERO);
        if self.state == State::Stopping {
            // It may have executed its program just before it was to be killed, and have had a child.
            return self.signal_step(context, actions);
        }
        self.next = NextState::Stopped;
        self.shortages = 0;
        self.history.started(context.now);
        actions.push(Action::Count(BuiltIn::Start));
        self.enter(State::Starting, None, context, actions);
        self.await_ready(context, actions);
    }

    pub(super) fn start_failed(
        &mut self,
        reason: String,
        errno: i32,
        is_shortage: bool,
        context: &Context,
        actions: &mut Vec<Action>,
    ) {
        self.run = Run::None;
        if self.state == State::Stopping {
            actions.push(Action::LookForOrphans);
        } else if is_shortage {
            // No fault of the bot, so its policy is not asked.
            let wait = FIRST_SHORTAGE_BACKOFF.saturating_mul(1 << self.shortages.min(10)).min(MAX_SHORTAGE_BACKOFF);
            self.shortages += 1;
            self.enter(State::BackingOff, Some(reason), context, actions);
            self.set_deadline(wait, context, actions);
        } else {
            self.reason = Some(reason.into());
            self.decide(Exit::NotStarted(errno), context, actions);
        }
    }

    /// Waits until the bot is ready, from the beginning of its program on. What was waited for already, under another
    /// configuration, counts.
    pub(super) fn await_ready(&mut self, context: &Context, actions: &mut Vec<Action>) {
        let bot = context.bot;
        // A reload does not lose the time that the bot has asked for.
        let extended = self.extended.filter(|_| bot.ready == Ready::Notify);
        self.deadline = None;
        let time = match bot.ready {
            Ready::AtOnce => return self.ready(context, actions),
            Ready::After(time) => time,
            Ready::Exit => return,
            Ready::Notify | Ready::Output(_) | Ready::Tcp(_) | Ready::Http(_) | Ready::Exec(_) | Ready::File(_) => {
                bot.ready_timeout
            }
        };
        let Run::Alive { began, .. } = self.run else { return };
        let waited = context.now.saturating_duration_since(began).saturating_sub(self.frozen_time);
        self.set_deadline(time.saturating_sub(waited), context, actions);
        self.extended = extended;
        if matches!(bot.ready, Ready::Tcp(_) | Ready::Http(_) | Ready::Exec(_) | Ready::File(_)) {
            actions.push(Action::BeginProbe);
        }
    }

    /// Lets the bots that depend on it start, unless its process has just ended.
    pub(super) fn ready(&mut self, context: &Context, actions: &mut Vec<Action>) {
        if let (State::Starting, Run::Alive { .. }) = (self.state, self.run) {
            actions.push(Action::EndProbe);
            self.show_running(context, actions);
        }
    }

    pub(super) fn suspension_changed(&mut self, is_suspended: bool, context: &Context, actions: &mut Vec<Action>) {
        if let Run::Alive { began, .. } = self.run {
            self.run = Run::Alive { began, is_suspended };
        }
        // A bot that is starting shows it when it is ready.
        if matches!(self.state, State::Running | State::Suspended) {
            self.show_running(context, actions);
        }
    }

    /// Gives a bot that is starting or stopping more time from now on, if that is more than it has (`EXTEND_TIMEOUT_USEC` of
    /// `sd_notify(3)`). No timer is set: the deadline is put off when it comes, however often a bot asks.
    pub(super) fn time_requested(&mut self, time: Duration, context: &Context) {
        let may = match self.state {
            State::Starting => context.bot.ready == Ready::Notify,
            // After the last step there is nothing to wait for.
            State::Stopping => self.step < context.bot.stop.len(),
            _ => false,
        };
        let Some(deadline) = self.deadline.filter(|_| may) else { return };
        let latest = self.since + MAX_TIMEOUT_EXTENSION;
        let wanted = context.now.checked_add(time).map_or(latest, |wanted| wanted.min(latest));
        if wanted > self.extended.unwrap_or(deadline) {
            self.extended = Some(wanted);
        }
    }
}
