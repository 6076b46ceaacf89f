//! The next run of a bot with a `schedule`: a pure function of the schedule and of two clocks.
//!
//! A cron expression means times on the wall clock, which may be set, skips an hour for summer time, and goes on while the machine
//! sleeps. `every` means time that passes, asleep or awake (`CLOCK_BOOTTIME`), which a step of the wall clock does not change.

use crate::bot::{MissedRuns, Schedule, ScheduledTimes};
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime};

/// How late a run may begin. What is noticed later was missed: the machine slept, or its clock was set forward.
const MISSED_AFTER: Duration = Duration::from_secs(60);

/// How far the wall clock may be set back without a run of its past coming again, as with Vixie cron.
const MAX_CORRECTION: Duration = Duration::from_secs(3 * 3600);

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
    /// The wall clock when `next` was found: all times up to it are over.
    handled: SystemTime,
    /// A run was left out since the last start, which was logged.
    pub(super) is_left_out: bool,
}

impl ScheduledRuns {
    /// Plans the first run. `handled`: the moment up to which an earlier monitor has handled all times, where what it has missed is
    /// to be made up for.
    pub(super) fn new(schedule: &Schedule, handled: Option<SystemTime>, clocks: &ScheduleClocks) -> ScheduledRuns {
        let mut runs =
            ScheduledRuns { schedule: schedule.clone(), next: None, handled: clocks.wall, is_left_out: false };
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
                self.next = self.cron_after(clocks.wall);
                late
            }
        };
        self.handled = clocks.wall;
        let is_missed = late > MISSED_AFTER && self.schedule.missed_runs() == MissedRuns::Skip;
        Some(if is_missed { DueRun::Missed } else { DueRun::Run })
    }

    /// Plans again after the wall clock was set back: what was run does not run again, unless the clock was wrong by hours.
    fn take_correction(&mut self, clocks: &ScheduleClocks) {
        let Ok(back) = self.handled.duration_since(clocks.wall) else { return };
        if back > MAX_CORRECTION {
            self.handled = clocks.wall;
        }
        self.next = self.cron_after(self.handled);
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
