//! The schedule of a bot: the times at which the monitor starts or restarts it.

use super::cron::CronTimes;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

/// The shortest time between two runs.
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);

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
#[derive(Clone, Debug)]
pub struct Schedule {
    times: ScheduledTimes,
    time_zone: Option<String>,
    missed: MissedRuns,
    action: Option<ScheduledAction>,
    /// The cron expression, parsed when it is validated or first used.
    cron: OnceLock<Result<Arc<CronTimes>, String>>,
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

/// The policy for a time at which the machine slept or the monitor did not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissedRuns {
    /// Nothing: the next time is waited for.
    #[default]
    Skip,
    /// One run, however many were missed, as soon as the monitor notices.
    Run,
}

/// The action at a time of a [`Schedule`].
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
        Schedule { times, time_zone: None, missed: MissedRuns::default(), action: None, cron: OnceLock::new() }
    }

    /// Sets the time zone of the cron expression; the machine's by default.
    #[must_use]
    pub fn time_zone(mut self, name: impl Into<String>) -> Schedule {
        self.time_zone = Some(name.into());
        self.cron = OnceLock::new();
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

    /// Returns the times.
    pub fn times(&self) -> &ScheduledTimes {
        &self.times
    }

    /// Returns what happens after missed times.
    pub(crate) fn missed_runs(&self) -> MissedRuns {
        self.missed
    }

    /// Validates the cron expression and the time zone.
    ///
    /// # Errors
    /// An invalid value, with what to write instead.
    pub(crate) fn check(&self) -> Result<(), String> {
        match &self.times {
            ScheduledTimes::Every(time) if *time < SHORTEST_PERIOD => {
                Err("it is shorter than a second: write a time such as \"1h\"".into())
            }
            ScheduledTimes::Every(_) if self.time_zone.is_some() => {
                Err("`time_zone` is for a cron expression: take it out, or write `cron`".into())
            }
            ScheduledTimes::Every(_) => Ok(()),
            ScheduledTimes::Cron(expression) => self.parsed(expression).map(drop),
        }
    }

    /// Returns the first time of the cron expression after a moment on the wall clock; `None` for `every`.
    pub(crate) fn next_after(&self, after: SystemTime) -> Option<SystemTime> {
        let ScheduledTimes::Cron(expression) = &self.times else { return None };
        self.parsed(expression).ok()?.next_after(after)
    }

    /// Returns `true` for a cron expression with several times a day, such as `*/5 * * * *`.
    pub(crate) fn has_intervals(&self) -> bool {
        let ScheduledTimes::Cron(expression) = &self.times else { return false };
        self.parsed(expression).is_ok_and(|times| times.has_intervals())
    }

    fn parsed(&self, expression: &str) -> Result<Arc<CronTimes>, String> {
        let parse = || CronTimes::parse(expression, self.time_zone.as_deref()).map(Arc::new);
        self.cron.get_or_init(parse).clone()
    }

    /// Returns the action at each time, if the schedule says one.
    pub(crate) fn own_action(&self) -> Option<ScheduledAction> {
        self.action
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Schedule) -> bool {
        let parts = |schedule: &Schedule| {
            (schedule.times.clone(), schedule.time_zone.clone(), schedule.missed, schedule.action)
        };
        parts(self) == parts(other)
    }
}

impl Eq for Schedule {}

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
