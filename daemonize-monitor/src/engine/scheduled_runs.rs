//! The next run of a bot with a `schedule`: a pure function of the schedule and of two clocks.
//!
//! A cron expression means times on the wall clock, which may be set, skips an hour for summer time, and goes on while the machine
//! sleeps. `every` means time that passes, asleep or awake (`CLOCK_BOOTTIME`), which a step of the wall clock does not change.
//!
//! A wall clock that is set back shows times again. An expression that names its times (`30 2 * * *`) has no second run for them;
//! one that means intervals (`*/5 * * * *`) goes on when its interval has passed, or it would be silent for hours.

use crate::bot::{MissedRuns, Schedule, ScheduledTimes};
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime};

/// How late a run may begin. What is noticed later was missed: the machine slept, or its clock was set forward.
const MISSED_AFTER: Duration = Duration::from_secs(60);

/// How far the wall clock may be set back with its past taken for over, as with Vixie cron.
const MAX_CORRECTION: Duration = Duration::from_secs(3 * 3600);

/// How much the two clocks may differ in an interval, which the wall clock's rate is adjusted in.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(50);

/// The times of the two clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScheduleClocks {
    pub(super) wall: SystemTime,
    /// Since the machine was started, with the time in which it slept.
    pub(super) boot: Duration,
}

impl ScheduleClocks {
    /// Reads the clocks.
    pub(super) fn now() -> ScheduleClocks {
        // The clock exists since Linux 2.6.39; without it, no run would ever be due.
        let boot = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
        ScheduleClocks { wall: SystemTime::now(), boot }
    }
}

/// A moment on one of the two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScheduledTime {
    Wall(SystemTime),
    Boot(Duration),
}

/// A run whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DueRun {
    /// The bot is started or restarted.
    Run,
    /// The time was missed, and the next one is waited for.
    Missed,
}

/// The runs of one bot.
#[derive(Debug)]
pub(super) struct ScheduledRuns {
    schedule: Schedule,
    next: Option<ScheduledTime>,
    /// The wall clock when `next` was found: an earlier time means that it was set back.
    planned: SystemTime,
    /// All times on the wall clock up to this one are over: they were run, or came before the first run was planned.
    handled: SystemTime,
    /// The time that had passed when the last of them was due.
    handled_boot: Duration,
    /// A run was left out since the last start, which was logged.
    pub(super) is_left_out: bool,
}

impl ScheduledRuns {
    /// Plans the first run. `handled`: the moment up to which an earlier monitor has handled all times, where what it has missed is
    /// to be made up for.
    pub(super) fn new(schedule: &Schedule, handled: Option<SystemTime>, clocks: &ScheduleClocks) -> ScheduledRuns {
        let mut runs = ScheduledRuns {
            schedule: schedule.clone(),
            next: None,
            planned: clocks.wall,
            handled: clocks.wall,
            handled_boot: clocks.boot,
            is_left_out: false,
        };
        if let Some(handled) = handled.filter(|handled| runs.is_made_up_for() && *handled < clocks.wall) {
            runs.handled = handled;
        }
        runs.next = match runs.schedule.times() {
            ScheduledTimes::Every(time) => clocks.boot.checked_add(*time).map(ScheduledTime::Boot),
            ScheduledTimes::Cron(_) => runs.cron_after(runs.handled),
        };
        runs
    }

    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub(super) fn next(&self) -> Option<ScheduledTime> {
        self.next
    }

    /// Returns `true` if runs that come while no monitor runs are made up for.
    pub(super) fn is_made_up_for(&self) -> bool {
        self.schedule.missed_runs() == MissedRuns::Run && matches!(self.schedule.times(), ScheduledTimes::Cron(_))
    }

    /// Returns the moment up to which all times are over.
    pub(super) fn handled(&self) -> SystemTime {
        self.handled
    }

    /// Returns when the next run is, on the clock that people read.
    pub(super) fn next_on_the_wall(&self, clocks: &ScheduleClocks) -> Option<SystemTime> {
        match self.next? {
            ScheduledTime::Wall(at) => Some(at),
            ScheduledTime::Boot(at) => clocks.wall.checked_add(at.saturating_sub(clocks.boot)),
        }
    }

    /// Takes the run whose time has come, however many times have passed, and plans the next one.
    pub(super) fn take_due(&mut self, clocks: &ScheduleClocks) -> Option<DueRun> {
        let late = match self.next? {
            ScheduledTime::Boot(at) => {
                let late = clocks.boot.checked_sub(at)?;
                self.next = self.boot_after(at, late);
                late
            }
            ScheduledTime::Wall(at) => {
                self.take_correction(clocks);
                let late = clocks.wall.duration_since(at).ok()?;
                self.planned = clocks.wall;
                self.next = self.cron_after(clocks.wall);
                late
            }
        };
        if late > MISSED_AFTER && self.schedule.missed_runs() == MissedRuns::Skip {
            // Not handled: a clock that was set forward by mistake, and is set back, shows the time of this run after all.
            return Some(DueRun::Missed);
        }
        self.handled = clocks.wall;
        self.handled_boot = clocks.boot.saturating_sub(if late > MISSED_AFTER { Duration::ZERO } else { late });
        Some(DueRun::Run)
    }

    /// Plans again after the wall clock was set back: what was run does not run again, unless the clock was wrong by hours.
    fn take_correction(&mut self, clocks: &ScheduleClocks) {
        if self.planned <= clocks.wall {
            return;
        }
        self.planned = clocks.wall;
        if self.handled.duration_since(clocks.wall).is_ok_and(|back| back > MAX_CORRECTION) {
            self.handled = clocks.wall;
        }
        let over =
            if self.schedule.has_intervals() { self.interval_end(clocks).min(self.handled) } else { self.handled };
        self.next = self.cron_after(over.max(clocks.wall));
    }

    /// Returns the moment on the wall clock until which an expression of intervals has no run: just before the interval since the
    /// last one has passed.
    fn interval_end(&self, clocks: &ScheduleClocks) -> SystemTime {
        let first = self.schedule.next_after(clocks.wall);
        let interval = first.and_then(|first| self.schedule.next_after(first)?.duration_since(first).ok());
        let passed = clocks.boot.saturating_sub(self.handled_boot);
        let rest = interval.unwrap_or_default().saturating_sub(passed).saturating_sub(CLOCK_TOLERANCE);
        clocks.wall.checked_add(rest).unwrap_or(clocks.wall)
    }

    fn cron_after(&self, after: SystemTime) -> Option<ScheduledTime> {
        self.schedule.next_after(after).map(ScheduledTime::Wall)
    }

    /// Returns the first time after now of those that follow `at` at even distances.
    fn boot_after(&self, at: Duration, late: Duration) -> Option<ScheduledTime> {
        let ScheduledTimes::Every(every) = self.schedule.times() else { return None };
        let periods = late.as_nanos() / every.as_nanos().max(1) + 1;
        let ahead = every.checked_mul(u32::try_from(periods).ok()?)?;
        at.checked_add(ahead).map(ScheduledTime::Boot)
    }
}

#[cfg(all(test, feature = "schedule"))]
mod tests;
