//! The schedule of a bot, and what it does to the bot.

use super::{Bot, Ready, Restart, Schedule, ScheduledAction};

impl Bot {
    /// Has the monitor start or restart the bot at these times. A job that is not to start with the monitor as well needs
    /// [`autostart(false)`](Bot::autostart).
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Bot {
        self.schedule = Some(Box::new(schedule));
        self
    }

    /// Returns what happens at the times of its schedule: unless that says something, a job is started, and a service is
    /// restarted. A job is a bot that is not always restarted, or that is ready when it has ended.
    pub(crate) fn scheduled_action(&self) -> Option<ScheduledAction> {
        let is_job = self.restart != Restart::Always || self.ready == Ready::Exit;
        let usual = if is_job { ScheduledAction::Start } else { ScheduledAction::Restart };
        self.schedule.as_ref().map(|schedule| schedule.own_action().unwrap_or(usual))
    }
}
