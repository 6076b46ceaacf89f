//! The times of a cron expression in a time zone.

use std::time::SystemTime;

/// The longest cron expression, in bytes.
#[cfg(feature = "schedule")]
const MAX_EXPRESSION_LENGTH: usize = 256;

/// A cron expression that was parsed, with its time zone. Finding a time makes no system call.
#[derive(Clone, Debug)]
pub(super) struct CronTimes {
    #[cfg(feature = "schedule")]
    cron: croner::Cron,
    #[cfg(feature = "schedule")]
    zone: jiff::tz::TimeZone,
}

#[cfg(feature = "schedule")]
impl CronTimes {
    /// Parses an expression of five fields (`crontab(5)`), of six with seconds first, or a nickname such as `@daily`. Reads the
    /// time zone from the tz database; without a name, that of the machine.
    ///
    /// # Errors
    /// The expression or the name is not known, or there is no such time.
    pub(super) fn parse(expression: &str, zone: Option<&str>) -> Result<CronTimes, String> {
        if expression.len() > MAX_EXPRESSION_LENGTH {
            return Err(format!("a cron expression has at most {MAX_EXPRESSION_LENGTH} bytes"));
        }
        if expression.trim() == "@reboot" {
            return Err("`@reboot` is not a time: write `autostart = true` instead of a schedule".into());
        }
        let parser = croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Optional).build();
        let cron = parser.parse(expression).map_err(|error| {
            let why = error.to_string();
            let why = why.trim_start_matches("Invalid pattern: ").trim_end_matches('.');
            format!(
                "`{expression}` is not a cron expression: {why}: write minute, hour, day of the month, month and day of the \
                 week, such as \"*/5 * * * *\", or {{ every = \"5m\" }}"
            )
        })?;
        let zone = match zone {
            Some(name) => jiff::tz::TimeZone::get(name).map_err(|_| {
                format!(
                    "there is no time zone `{name}` on this machine: write a name such as \"Europe/Berlin\" or \"UTC\""
                )
            })?,
            None => jiff::tz::TimeZone::system(),
        };
        let times = CronTimes { cron, zone };
        match times.next_after(SystemTime::now()) {
            Some(_) => Ok(times),
            None => Err(format!("`{expression}` is a time that never comes: write another day or month")),
        }
    }

    /// Returns the first time after a moment. A time that the clock skips for summer time is the moment after the gap; one that
    /// comes twice counts once, unless the expression means intervals.
    pub(super) fn next_after(&self, after: SystemTime) -> Option<SystemTime> {
        let after = jiff::Timestamp::try_from(after).ok()?.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp().into())
    }

    /// Returns `true` if the expression means intervals: it has several times a day.
    pub(super) fn has_intervals(&self) -> bool {
        self.cron.determine_job_type() == croner::JobType::IntervalWildcard
    }
}

#[cfg(not(feature = "schedule"))]
impl CronTimes {
    /// Refuses every expression: this build has no parser.
    pub(super) fn parse(_: &str, _: Option<&str>) -> Result<CronTimes, String> {
        Err("this monitor was built without cron expressions (feature `schedule`): write `every`".into())
    }

    #[allow(clippy::unused_self)] // As with the feature.
    pub(super) fn next_after(&self, _: SystemTime) -> Option<SystemTime> {
        None
    }

    #[allow(clippy::unused_self)] // As with the feature.
    pub(super) fn has_intervals(&self) -> bool {
        false
    }
}
