//! The periodic checks of one bot: when the next one is due, and what the last ones have found. A pure state, which makes no probe
//! and reads no clock.

use crate::bot::Check;
use crate::health::{BotHealth, LastCheck};
use std::time::{Duration, Instant};

/// See the module. A bot has it from the moment on in which it is ready, until it is stopped.
#[derive(Debug)]
pub(super) struct BotChecks {
    /// The check as it was when it began: a reload may have changed the bot's.
    check: Check,
    /// When the next check is due, or was when the one that goes on began. `None` while the bot is suspended.
    due: Option<Instant>,
    is_going_on: bool,
    /// The failures in a row.
    failures: u32,
    last: Option<LastCheck>,
}

/// The consequence of the outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The bot is as healthy as before.
    Unchanged,
    /// The bot is healthy again after this number of failures.
    Recovered(u32),
    /// The check has failed, and not too often yet.
    Failed,
    /// The bot must not run on.
    Unfit(String),
}

impl BotChecks {
    /// Begins to check a bot. The first check is due at a moment within the first period that `chance` picks, from 0 to 1: bots
    /// that became ready together are not checked together, then or later.
    pub(super) fn begin(check: &Check, now: Instant, chance: f64) -> BotChecks {
        let mut checks = BotChecks { check: check.clone(), due: None, is_going_on: false, failures: 0, last: None };
        checks.resume(now, chance);
        checks
    }

    /// Checks a bot again that was suspended. What failed before does not count: it could not answer.
    pub(super) fn resume(&mut self, now: Instant, chance: f64) {
        self.failures = 0;
        self.is_going_on = false;
        self.due = now.checked_add(self.check.every.mul_f64(chance.clamp(0.0, 1.0)));
    }

    /// Does not check a bot that is suspended.
    pub(super) fn pause(&mut self) {
        self.is_going_on = false;
        self.due = None;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.due.is_none()
    }

    pub(super) fn check(&self) -> &Check {
        &self.check
    }

    pub(super) fn is_going_on(&self) -> bool {
        self.is_going_on
    }

    /// Returns when the next check is due; `None` while one goes on.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_going_on)
    }

    /// Begins the check that is due at this moment. Returns `false` if none is: the timer is out of date.
    pub(super) fn begin_check(&mut self, at: Instant) -> bool {
        let is_due = self.next() == Some(at);
        self.is_going_on |= is_due;
        is_due
    }

    /// Ends a check that could not be made.
    pub(super) fn end_inconclusive(&mut self, now: Instant) {
        self.schedule(now);
    }

    /// Ends a check, which has failed for a reason if there is one.
    pub(super) fn end_check(&mut self, failure: Option<String>, now: Instant) -> Verdict {
        self.schedule(now);
        let before = self.failures;
        self.failures = failure.as_ref().map_or(0, |_| before.saturating_add(1));
        let verdict = match &failure {
            None if before > 0 => Verdict::Recovered(before),
            None => Verdict::Unchanged,
            Some(reason) if self.failures >= self.check.failures => Verdict::Unfit(self.unfit(reason)),
            Some(_) => Verdict::Failed,
        };
        self.last = Some(LastCheck::new(failure, self.failures));
        verdict
    }

    fn unfit(&self, reason: &str) -> String {
        match self.failures {
            1 => format!("failed its check: {}: {reason}", self.check.probe),
            failures => format!("failed {failures} checks in a row: {}: {reason}", self.check.probe),
        }
    }

    /// Sets when the next check is due: periods after the last one was, however long that took.
    fn schedule(&mut self, now: Instant) {
        self.is_going_on = false;
        let Some(due) = self.due else { return };
        let every = self.check.every.max(Duration::from_millis(1));
        let passed = now.saturating_duration_since(due).as_nanos() / every.as_nanos();
        let periods = u32::try_from(passed + 1).unwrap_or(u32::MAX);
        self.due = due.checked_add(every.saturating_mul(periods));
    }

    /// Returns what the checks tell of the bot.
    pub(super) fn health(&self) -> BotHealth {
        match &self.last {
            None => BotHealth::Unknown,
            Some(last) if last.failure.is_none() => BotHealth::Healthy,
            Some(_) => BotHealth::Failing,
        }
    }

    pub(super) fn last(&self) -> Option<&LastCheck> {
        self.last.as_ref()
    }

    /// Returns why the bot is failing, if it is: "failed 1 of 3 checks: tcp 127.0.0.1:80: connection refused".
    pub(super) fn reason(&self) -> Option<String> {
        let LastCheck { failure, failures, .. } = self.last.as_ref()?;
        let reason = failure.as_ref()?;
        Some(format!("failed {failures} of {} checks: {}: {reason}", self.check.failures, self.check.probe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn checks(now: Instant, chance: f64) -> BotChecks {
        let check = Check::tcp("127.0.0.1:1".parse().unwrap()).every(10 * SECOND).failures(2);
        BotChecks::begin(&check, now, chance)
    }

    #[test]
    fn checks_of_a_bot_keep_their_place_in_the_period() {
        let now = Instant::now();
        let mut checks = checks(now, 0.25);
        let first = now + Duration::from_millis(2500);
        assert_eq!(checks.next(), Some(first));
        assert!(!checks.begin_check(now) && checks.begin_check(first));
        assert!(checks.next().is_none() && !checks.begin_check(first), "two at once");
        assert_eq!(checks.end_check(None, first + SECOND), Verdict::Unchanged);
        assert_eq!(checks.next(), Some(first + 10 * SECOND));
        // One that takes longer than a period delays none but those in whose time it went on.
        assert!(checks.begin_check(first + 10 * SECOND));
        checks.end_inconclusive(first + 31 * SECOND);
        assert_eq!(checks.next(), Some(first + 40 * SECOND));
    }

    /// Promise 6.62.
    #[test]
    fn bot_is_unfit_after_failures_in_a_row_only() {
        let now = Instant::now();
        let mut checks = checks(now, 0.0);
        assert_eq!(checks.health(), BotHealth::Unknown);
        let mut end = |failure: Option<&str>| checks.end_check(failure.map(str::to_owned), now);
        assert_eq!(end(Some("refused")), Verdict::Failed);
        assert_eq!(end(None), Verdict::Recovered(1));
        assert_eq!(end(Some("refused")), Verdict::Failed);
        let reason = "failed 2 checks in a row: tcp 127.0.0.1:1: late".to_owned();
        assert_eq!(end(Some("late")), Verdict::Unfit(reason));
        assert_eq!(checks.health(), BotHealth::Failing);
        assert_eq!(checks.reason().unwrap(), "failed 2 of 2 checks: tcp 127.0.0.1:1: late");
    }

    #[test]
    fn failures_before_a_suspension_do_not_count() {
        let now = Instant::now();
        let mut checks = checks(now, 0.0);
        assert_eq!(checks.end_check(Some("late".into()), now), Verdict::Failed);
        checks.pause();
        assert!(checks.next().is_none() && !checks.begin_check(now));
        checks.resume(now, 0.5);
        assert_eq!(checks.next(), Some(now + 5 * SECOND));
        assert_eq!(checks.end_check(Some("late".into()), now), Verdict::Failed);
    }
}
