//! Runs at their times, on clocks that step, sleep, and change for summer time.

use super::*;

fn at(text: &str) -> SystemTime {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

/// The clocks at a moment on the wall.
fn clocks(wall: &str, boot: u64) -> ScheduleClocks {
    ScheduleClocks { wall: at(wall), boot: Duration::from_secs(boot) }
}

fn berlin(expression: &str) -> Schedule {
    Schedule::cron(expression).time_zone("Europe/Berlin")
}

fn next(runs: &ScheduledRuns) -> String {
    match runs.next() {
        Some(ScheduledTime::Wall(at)) => jiff::Timestamp::try_from(at).unwrap().to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn run_is_due_at_its_time_and_once() {
    let schedule = Schedule::cron("*/5 * * * *").time_zone("UTC");
    let mut runs = ScheduledRuns::new(&schedule, None, &clocks("2026-11-30T12:01:00Z", 0));
    assert_eq!(next(&runs), "2026-11-30T12:05:00Z");
    assert_eq!(runs.take_due(&clocks("2026-11-30T12:04:59.9Z", 0)), None);
    assert_eq!(runs.take_due(&clocks("2026-11-30T12:05:00Z", 0)), Some(DueRun::Run));
    assert_eq!(runs.take_due(&clocks("2026-11-30T12:05:01Z", 0)), None);
    assert_eq!(next(&runs), "2026-11-30T12:10:00Z");
}

/// Promise 6.56. Germany: on 2026-03-29 there is no 02:30, and on 2026-10-25 there are two.
#[test]
fn daily_run_comes_once_on_days_with_a_change_of_summer_time() {
    for (from, expected) in [
        ("2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        ("2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
    ] {
        let mut runs = ScheduledRuns::new(&berlin("30 2 * * *"), None, &clocks(from, 0));
        for expected in expected {
            assert_eq!(next(&runs), expected);
            assert_eq!(runs.take_due(&clocks(expected, 0)), Some(DueRun::Run));
        }
    }
    // Each half hour is one of time that passes.
    let mut runs = ScheduledRuns::new(&berlin("*/30 * * * *"), None, &clocks("2026-10-24T23:59:00Z", 0));
    for expected in ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"] {
        assert_eq!(next(&runs), expected);
        assert_eq!(runs.take_due(&clocks(expected, 0)), Some(DueRun::Run));
    }
}

/// Promise 6.56.
#[test]
fn run_that_was_slept_through_is_missed_or_made_up_for_once() {
    for (missed, expected) in [(MissedRuns::Skip, DueRun::Missed), (MissedRuns::Run, DueRun::Run)] {
        let cron = Schedule::cron("0 * * * *").time_zone("UTC").missed(missed);
        let every = Schedule::every(Duration::from_secs(3600)).missed(missed);
        for schedule in [cron, every] {
            let mut runs = ScheduledRuns::new(&schedule, None, &clocks("2026-11-30T12:00:00Z", 7));
            // It slept through five runs.
            let awake = clocks("2026-11-30T17:30:00Z", 7 + 19_800);
            assert_eq!(runs.take_due(&awake), Some(expected), "{schedule}");
            assert_eq!(runs.take_due(&awake), None);
            assert_eq!(runs.next_on_the_wall(&awake), Some(at("2026-11-30T18:00:00Z")), "{schedule}");
            // A little late is not missed.
            assert_eq!(runs.take_due(&clocks("2026-11-30T18:00:59Z", 7 + 21_659)), Some(DueRun::Run));
        }
    }
}

/// Promise 6.56.
#[test]
fn clock_that_is_set_back_repeats_no_run_unless_it_was_wrong_by_hours() {
    let schedule = Schedule::cron("0 * * * *").time_zone("UTC");
    let mut runs = ScheduledRuns::new(&schedule, None, &clocks("2026-11-30T11:59:00Z", 0));
    assert_eq!(runs.take_due(&clocks("2026-11-30T12:00:00Z", 0)), Some(DueRun::Run));
    assert_eq!(runs.take_due(&clocks("2026-11-30T11:55:00Z", 0)), None);
    assert_eq!(next(&runs), "2026-11-30T13:00:00Z");
    assert_eq!(runs.take_due(&clocks("2026-11-30T12:00:00Z", 0)), None);
    // It was years ahead.
    let mut runs = ScheduledRuns::new(&schedule, None, &clocks("2031-01-01T11:59:00Z", 0));
    assert_eq!(runs.take_due(&clocks("2026-11-30T11:55:00Z", 0)), None);
    assert_eq!(next(&runs), "2026-11-30T12:00:00Z");
}

/// Promise 6.88.
#[test]
fn intervals_go_on_after_the_clock_was_set_back_and_are_not_shortened() {
    let schedule = Schedule::cron("*/10 * * * *").time_zone("UTC");
    let mut runs = ScheduledRuns::new(&schedule, None, &clocks("2026-11-30T12:55:00Z", 0));
    assert_eq!(runs.take_due(&clocks("2026-11-30T13:00:00Z", 300)), Some(DueRun::Run));
    // By a second, just after a run: that run does not come again.
    assert_eq!(runs.take_due(&clocks("2026-11-30T12:59:59.5Z", 300)), None);
    assert_eq!(next(&runs), "2026-11-30T13:10:00Z");
    assert_eq!(runs.take_due(&clocks("2026-11-30T13:10:00Z", 901)), Some(DueRun::Run));
    // By two hours, four minutes after a run: the next one is not before ten minutes have passed, and not hours later.
    assert_eq!(runs.take_due(&clocks("2026-11-30T11:14:00Z", 1141)), None);
    assert_eq!(next(&runs), "2026-11-30T11:20:00Z");
    assert_eq!(runs.take_due(&clocks("2026-11-30T11:20:00Z", 1501)), Some(DueRun::Run));
    assert_eq!(next(&runs), "2026-11-30T11:30:00Z");
    // An hour and a bit, by which the minutes are other ones.
    assert_eq!(runs.take_due(&clocks("2026-11-30T10:18:00Z", 1502)), None);
    assert_eq!(next(&runs), "2026-11-30T10:30:00Z");
}

/// Promise 6.88. A clock that was set forward by mistake, past a run that is not made up for, takes nothing away from the day.
#[test]
fn daily_run_that_was_missed_by_a_wrong_clock_comes_when_the_clock_is_right_again() {
    for (missed, forward, later) in [
        (MissedRuns::Skip, DueRun::Missed, "2026-11-30T02:30:00Z"),
        (MissedRuns::Run, DueRun::Run, "2026-12-01T02:30:00Z"),
    ] {
        let schedule = Schedule::cron("30 2 * * *").time_zone("UTC").missed(missed);
        let mut runs = ScheduledRuns::new(&schedule, None, &clocks("2026-11-30T01:00:00Z", 0));
        assert_eq!(runs.take_due(&clocks("2026-11-30T03:30:00Z", 1)), Some(forward));
        assert_eq!(next(&runs), "2026-12-01T02:30:00Z");
        assert_eq!(runs.take_due(&clocks("2026-11-30T01:00:02Z", 2)), None);
        assert_eq!(next(&runs), later);
    }
}

/// Promise 6.88. New York: on 2026-03-08 two becomes three o'clock at 07:00Z, and on 2026-11-01 two becomes one at 06:00Z.
#[test]
fn clock_that_is_set_back_over_a_change_of_summer_time_repeats_no_daily_run() {
    for (expression, ran, back, expected) in [
        ("30 2 * * *", "2026-03-08T07:00:00Z", "2026-03-08T06:10:00Z", "2026-03-09T06:30:00Z"),
        ("30 1 * * *", "2026-11-01T05:30:00Z", "2026-11-01T05:10:00Z", "2026-11-02T06:30:00Z"),
        ("30 1 * * *", "2026-11-01T05:30:00Z", "2026-11-01T04:10:00Z", "2026-11-02T06:30:00Z"),
    ] {
        let schedule = Schedule::cron(expression).time_zone("America/New_York");
        let mut runs = ScheduledRuns::new(&schedule, None, &clocks(back, 0));
        assert_eq!(next(&runs), ran);
        assert_eq!(runs.take_due(&clocks(ran, 3600)), Some(DueRun::Run));
        assert_eq!(runs.take_due(&clocks(back, 3601)), None);
        assert_eq!(next(&runs), expected);
    }
}

#[test]
fn clock_that_is_set_forward_misses_runs_of_cron_and_none_of_every() {
    let mut runs =
        ScheduledRuns::new(&Schedule::cron("0 * * * *").time_zone("UTC"), None, &clocks("2026-11-30T11:30:00Z", 0));
    assert_eq!(runs.take_due(&clocks("2027-11-30T11:30:00Z", 1)), Some(DueRun::Missed));
    assert_eq!(next(&runs), "2027-11-30T12:00:00Z");
    let mut runs =
        ScheduledRuns::new(&Schedule::every(Duration::from_secs(60)), None, &clocks("2026-11-30T11:30:00Z", 0));
    assert_eq!(runs.take_due(&clocks("2027-11-30T11:30:00Z", 1)), None);
    assert_eq!(runs.take_due(&clocks("2026-01-01T00:00:00Z", 60)), Some(DueRun::Run));
    assert_eq!(runs.next(), Some(ScheduledTime::Boot(Duration::from_secs(120))));
}

#[test]
fn times_that_passed_without_a_monitor_are_made_up_for_if_the_schedule_says_so() {
    let schedule = Schedule::cron("30 2 * * *").time_zone("UTC");
    let now = clocks("2026-11-30T12:00:00Z", 0);
    let handled = Some(at("2026-11-28T02:30:00Z"));
    let mut runs = ScheduledRuns::new(&schedule, handled, &now);
    assert_eq!((runs.take_due(&now), &*next(&runs)), (None, "2026-12-01T02:30:00Z"));
    let mut runs = ScheduledRuns::new(&schedule.clone().missed(MissedRuns::Run), handled, &now);
    assert_eq!(runs.take_due(&now), Some(DueRun::Run));
    assert_eq!((runs.take_due(&now), &*next(&runs)), (None, "2026-12-01T02:30:00Z"));
    // Nothing was missed since the last one, and what the future holds was not handled.
    for handled in ["2026-11-30T02:30:00Z", "2031-01-01T00:00:00Z"] {
        let mut runs = ScheduledRuns::new(&schedule.clone().missed(MissedRuns::Run), Some(at(handled)), &now);
        assert_eq!(runs.take_due(&now), None);
    }
}
