//! The schedule of a bot: the times at which the monitor starts or restarts it.

use super::{Bot, Ready, Restart};
use std::fmt;
use std::time::Duration;

/// The times at which the monitor starts a job or restarts a service.
///
/// ```
/// use daemonize_monitor::{Bot, MissedRuns, Ready, Schedule};
/// use std::time::Duration;
///
/// let nightly = Schedule::cron("30 2 * * *").time_zone("Europe/Berlin").missed(MissedRuns::Run);
/// let backup = Bot::new("backup", "/usr/bin/backup").ready(Ready::Exit).schedule(nightly);
/// let cache = Bot::new("cache", "/usr/bin/cache").schedule(Schedule::every(Duration::from_secs(86_400)));
/// assert_eq!(backup.schedule.unwrap().to_string(), "30 2 * * * (Europe/Berlin)");
/// assert_eq!(cache.schedule.unwrap().to_string(), "every 86400s");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// The times.
    pub times: ScheduledTimes,
    /// The time zone in which a cron expression is read, by its name in the tz database; the machine's if `None`.
    pub time_zone: Option<String>,
    /// What happens after a time at which the machine slept or the monitor did not run.
    pub missed: MissedRuns,
    /// What happens at each time; if `None`, a job is started, and a service is restarted.
    pub action: Option<ScheduledAction>,
}

/// The times of a [`Schedule`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduledTimes {
    /// A cron expression: minute, hour, day of the month, month, day of the week; or a nickname such as `@daily`.
    Cron(String),
    /// After this time since the monitor has started, and again and again; the time in which the machine slept counts.
    Every(Duration),
}

/// What happens after a time at which the machine slept or the monitor did not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissedRuns {
    /// Nothing: the next time is waited for.
    #[default]
    Skip,
    /// One run, however many were missed, as soon as the monitor notices.
    Run,
}

/// What happens at a time of a [`Schedule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduledAction {
    /// The bot is started, unless it still runs.
    Start,
    /// The bot is restarted if it runs, and with it those that depend on it.
    Restart,
}

impl Schedule {
    /// Creates a schedule from a cron expression (`crontab(5)`), which is validated with the bot.
    pub fn cron(expression: impl Into<String>) -> Schedule {
        Schedule::at(ScheduledTimes::Cron(expression.into()))
    }

    /// Creates a schedule with the same time between all runs.
    pub fn every(time: Duration) -> Schedule {
        Schedule::at(ScheduledTimes::Every(time))
    }

    fn at(times: ScheduledTimes) -> Schedule {
        Schedule { times, time_zone: None, missed: MissedRuns::default(), action: None }
    }

    /// Sets the time zone of the cron expression; the machine's by default.
    #[must_use]
    pub fn time_zone(mut self, name: impl Into<String>) -> Schedule {
        self.time_zone = Some(name.into());
        self
    }

    /// Sets what happens after missed times; nothing by default.
    #[must_use]
    pub fn missed(mut self, missed: MissedRuns) -> Schedule {
        self.missed = missed;
        self
    }

    /// Sets what happens at each time; by default a job is started, and a service is restarted.
    #[must_use]
    pub fn action(mut self, action: ScheduledAction) -> Schedule {
        self.action = Some(action);
        self
    }

    /// Returns what happens at each time. A job is a bot that is not always restarted, or that is ready when it has ended.
    pub(crate) fn action_for(&self, bot: &Bot) -> ScheduledAction {
        let is_job = bot.restart != Restart::Always || bot.ready == Ready::Exit;
        self.action.unwrap_or(if is_job { ScheduledAction::Start } else { ScheduledAction::Restart })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.times {
            ScheduledTimes::Cron(expression) => f.write_str(expression)?,
            ScheduledTimes::Every(time) => write!(f, "every {time:?}")?,
        }
        match &self.time_zone {
            Some(zone) => write!(f, " ({zone})"),
            None => Ok(()),
        }
    }
}

impl Bot {
    /// Has the monitor start or restart the bot at these times.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Bot {
        self.schedule = Some(Box::new(schedule));
        self
    }
}
