//! Carries out the actions with which the states of bots answer events.

use super::Supervisor;
use crate::engine::bot_state::{Action, BotEvent, Context};
use crate::engine::reactor::Timer;
use crate::restart_policy::Exit;
use crate::status::State;
use std::time::SystemTime;

impl Supervisor {
    /// Hands an event to the state of a bot, and carries out what that answers with.
    pub(in crate::engine) fn on(&mut self, index: usize, event: BotEvent) {
        if matches!(event, BotEvent::StopRequested(_) | BotEvent::MarkedStopDue | BotEvent::KillRequested(_)) {
            // A program that is executed by now ends in order.
            self.take_start(index);
        }
        if let BotEvent::Unfit { exit: Exit::Unhealthy, reason } = &event {
            self.report_unhealthy(index, reason);
        }
        let (chance, now, is_shutting_down) = (self.chance(), self.now, self.is_shutting_down);
        let Some(unit) = self.units.get_mut(index) else { return };
        let context = Context { bot: &unit.bot, now, chance, is_shutting_down };
        for action in unit.bot_state.on(event, &context) {
            self.act(index, action);
        }
    }

    fn act(&mut self, index: usize, action: Action) {
        match action {
            Action::Report { is_other_state } => {
                let unit = &mut self.units[index];
                if is_other_state {
                    unit.since_on_the_wall = SystemTime::now();
                }
                unit.answer_waiters(self.now);
                self.unsettled.changed.push(index);
                if is_other_state {
                    self.update_checks(index);
                    if self.units[index].state() == State::GaveUp {
                        self.report_given_up(index);
                    }
                }
            }
            Action::Begin => self.begin(index),
            Action::QueueStart => self.starts.queue(index),
            Action::WithdrawStart => self.end_start(index),
            Action::StartDependencies => self.start_dependencies(index),
            Action::StartDependents => self.start_dependents(index),
            Action::ReleaseDependencies => {
                let unit = &mut self.units[index];
                // Its mark is gone: a stop of a bot that was down is over.
                unit.answer_waiters(self.now);
                self.unsettled.released.extend(&unit.dependencies);
            }
            Action::BeginProbe => self.begin_probe(index),
            Action::EndProbe => self.end_probe(index),
            Action::Signal { signal, hurries } => self.signal(index, signal, hurries),
            Action::SetTimer(at) => self.reactor.set_timer(at, Timer::Bot(self.units.key(index))),
            Action::LookForOrphans => self.children.search(index),
            Action::ReleaseProcess => self.release_process(index),
            Action::ReportSurvivors => self.report_survivors(index),
            Action::Forget => self.remove(index),
            Action::Count(event) => self.units[index].counts.add(event, self.now),
            Action::Warn(text) => {
                let unit = &self.units[index];
                // The answer of the last probe, where it was not ready in time.
                let why = unit.probe_failure.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                log::warn!("bot `{}` {text}{why}", unit.bot.name);
            }
        }
    }
}
