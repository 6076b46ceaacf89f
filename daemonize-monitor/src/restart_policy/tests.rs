//! The policy on a clock that the tests move, against oracles that remember everything.

use super::{Decision, Exit, GivenUp, History, Rules, decide, wait};
use crate::bot::{Backoff, Bot, Limit, Ready, Restart};
use daemonize_core::Signal;
use proptest::prelude::*;
use std::time::{Duration, Instant};

const FAILED: Exit = Exit::Status(1);
const ENOENT: i32 = 2;

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn rules() -> Rules {
    Rules::from(&Bot::new("bot", "/bin/bot"))
}

/// Returns the decision about an exit at this second of the clock, without jitter.
fn at(history: &mut History, rules: &Rules, start: Instant, second: u64) -> Decision {
    decide(rules, history, FAILED, start + seconds(second), 0.0)
}

/// Promise 6.01.
#[test]
fn five_exits_an_hour_are_forgiven_and_the_sixth_is_not() {
    let (mut history, start) = (History::default(), Instant::now());
    for second in [0, 100, 200, 300, 400] {
        assert!(matches!(at(&mut history, &rules(), start, second), Decision::RestartAfter(_)), "exit at {second} s");
    }
    let until = start + seconds(3600);
    let given_up = GivenUp { exits: 6, window: seconds(3600), last: FAILED, until };
    assert_eq!(at(&mut history, &rules(), start, 3599), Decision::GiveUp(given_up));
    assert_eq!(given_up.to_string(), "ended 6 times within 1h, the last time by status 1");
}

#[test]
fn an_exit_that_left_the_window_does_not_count() {
    let (mut history, start) = (History::default(), Instant::now());
    for second in [0, 100, 200, 300, 400, 3600, 3700] {
        assert!(matches!(at(&mut history, &rules(), start, second), Decision::RestartAfter(_)), "exit at {second} s");
    }
    assert!(matches!(at(&mut history, &rules(), start, 3799), Decision::GiveUp(_)));
}

#[test]
fn a_healthy_run_ends_the_backoff_but_not_the_window() {
    let (mut history, start) = (History::default(), Instant::now());
    for number in 0..5 {
        history.started(start + seconds(number * 100));
        assert_eq!(at(&mut history, &rules(), start, number * 100 + 60), Decision::RestartAfter(Duration::ZERO));
    }
    assert!(matches!(at(&mut history, &rules(), start, 560), Decision::GiveUp(_)));
}

#[test]
fn an_operators_start_forgives_everything() {
    let (mut history, start) = (History::default(), Instant::now());
    for second in 0..6 {
        at(&mut history, &rules(), start, second);
    }
    assert!(matches!(at(&mut history, &rules(), start, 6), Decision::GiveUp(_)));
    history.forget();
    assert_eq!(history.last(), None);
    assert_eq!(at(&mut history, &rules(), start, 7), Decision::RestartAfter(Duration::ZERO));
}

/// Promise 6.01.
#[test]
fn waits_grow_and_a_stable_run_ends_the_row() {
    let rules = Rules { limit: Limit { exits: 100, ..Limit::default() }, ..rules() };
    let (mut history, start) = (History::default(), Instant::now());
    let waits: Vec<Decision> = (0..9)
        .map(|number| {
            history.started(start + seconds(number * 100));
            at(&mut history, &rules, start, number * 100 + 59)
        })
        .collect();
    let expected = [0, 1, 2, 4, 8, 16, 32, 60, 60].map(|wait| Decision::RestartAfter(seconds(wait)));
    assert_eq!(waits, expected);
    assert_eq!(history.restarts_in_a_row(), 9);
    history.started(start + seconds(1000));
    assert_eq!(at(&mut history, &rules, start, 1060), Decision::RestartAfter(Duration::ZERO));
    assert_eq!(history.restarts_in_a_row(), 1);
}

#[test]
fn a_start_that_failed_is_no_run_however_long_ago_the_last_one_began() {
    let (mut history, start) = (History::default(), Instant::now());
    history.started(start);
    assert_eq!(at(&mut history, &rules(), start, 100), Decision::RestartAfter(Duration::ZERO));
    let failed = decide(&rules(), &mut history, Exit::NotStarted(ENOENT), start + seconds(900), 0.0);
    assert_eq!(failed, Decision::RestartAfter(seconds(1)));
}

#[test]
fn the_end_of_a_bot_is_what_its_specification_says() {
    let cases = [
        (Restart::Always, Exit::Status(0), true),
        (Restart::Always, Exit::Status(7), true),
        (Restart::OnFailure, Exit::Status(0), false),
        (Restart::OnFailure, Exit::Status(7), true),
        (Restart::OnFailure, Exit::Signal(Signal::SIGTERM), true),
        (Restart::OnFailure, Exit::NotReady, true),
        (Restart::Never, Exit::Status(7), false),
        (Restart::Never, Exit::NotStarted(ENOENT), false),
    ];
    for (restart, exit, again) in cases {
        let decision = decide(&Rules { restart, ..rules() }, &mut History::default(), exit, Instant::now(), 0.0);
        let expected = if again { Decision::RestartAfter(Duration::ZERO) } else { Decision::Done };
        assert_eq!(decision, expected, "{restart} after {exit}");
    }
}

#[test]
fn a_job_is_done_when_it_succeeds_and_tried_again_when_not() {
    let job = Rules::from(&Bot::new("job", "/bin/job").ready(Ready::Exit));
    let mut history = History::default();
    assert_eq!(decide(&job, &mut history, FAILED, Instant::now(), 0.0), Decision::RestartAfter(Duration::ZERO));
    assert_eq!(decide(&job, &mut history, Exit::Status(0), Instant::now(), 0.0), Decision::Done);
}

#[test]
fn with_a_limit_of_none_the_first_exit_is_too_many() {
    let rules = Rules { limit: Limit { exits: 0, window: seconds(10) }, ..rules() };
    assert!(matches!(at(&mut History::default(), &rules, Instant::now(), 0), Decision::GiveUp(_)));
}

#[test]
fn a_limit_that_shrinks_counts_what_was() {
    let (mut history, start) = (History::default(), Instant::now());
    for second in 0..5 {
        at(&mut history, &rules(), start, second);
    }
    let smaller = Rules { limit: Limit { exits: 2, window: seconds(10) }, ..rules() };
    assert!(matches!(at(&mut history, &smaller, start, 5), Decision::GiveUp(GivenUp { exits: 3, .. })));
}

/// Promise 6.01.
#[test]
fn the_history_stays_small() {
    let rules = Rules { limit: Limit { exits: u32::MAX, window: seconds(1) }, ..rules() };
    let (mut history, start) = (History::default(), Instant::now());
    for second in 0..5000 {
        at(&mut history, &rules, start, second);
    }
    assert_eq!(history.exits().count(), 1001);
    assert!(size_of::<History>() <= 64, "{}", size_of::<History>());
}

#[test]
fn a_window_without_end_is_a_long_one() {
    let rules = Rules { limit: Limit { exits: 0, window: Duration::MAX }, ..rules() };
    assert!(matches!(at(&mut History::default(), &rules, Instant::now(), 0), Decision::GiveUp(_)));
}

/// Zero times infinity is not a number, and what is not a number was the cap.
#[test]
fn a_wait_of_zero_stays_zero_after_thousands_of_restarts() {
    assert_eq!(wait(&Backoff { first: Duration::ZERO, ..Backoff::default() }, 5000, 1.0), Duration::ZERO);
}

#[test]
fn exits_read_well() {
    assert_eq!(Exit::Status(3).to_string(), "status 3");
    assert_eq!(Exit::Signal(Signal::SIGKILL).to_string(), "SIGKILL");
    assert_eq!(Exit::NotStarted(ENOENT).to_string(), "a failed start (no such file or directory)");
    assert_eq!(Exit::NotReady.to_string(), "not being ready in time");
}

/// A number of any size, or none.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![Just(f64::NAN), Just(f64::INFINITY), -1.0..5.0, Just(f64::MAX)]
}

fn any_wait() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(Duration::ZERO), Just(Duration::MAX), (0_u64..100_000).prop_map(Duration::from_millis)]
}

proptest! {
    /// Promise 6.01. The oracle remembers every exit that was answered with a restart, and counts those in the window
    /// of each.
    #[test]
    fn no_window_holds_more_restarts_than_the_limit(
        exits in 0_u32..6,
        window in 1_u64..60,
        gaps in prop::collection::vec(0_u64..40, 1..80),
    ) {
        let rules = Rules { limit: Limit { exits, window: seconds(window) }, ..rules() };
        let (mut history, start) = (History::default(), Instant::now());
        let (mut clock, mut ends) = (0, Vec::new());
        for gap in gaps {
            clock += gap;
            ends.push(clock);
            let within: Vec<u64> = ends.iter().copied().filter(|end| end + window > clock).collect();
            match at(&mut history, &rules, start, clock) {
                Decision::RestartAfter(_) => prop_assert!(within.len() <= exits as usize, "{within:?} at {clock}"),
                Decision::GiveUp(given_up) => {
                    prop_assert!(within.len() > exits as usize, "{within:?} at {clock}");
                    prop_assert_eq!(given_up.exits, exits + 1);
                    let oldest = ends[ends.len() - 1 - exits as usize];
                    prop_assert_eq!(given_up.until, start + seconds(oldest + window));
                    // Only an operator starts it again.
                    history.forget();
                    ends.clear();
                }
                Decision::Done => prop_assert!(false, "always means always"),
            }
        }
    }

    /// Promise 6.01.
    #[test]
    fn no_wait_is_longer_than_the_cap_nor_shorter_than_without_jitter(
        first in any_wait(),
        cap in any_wait(),
        factor in any_number(),
        jitter in any_number(),
        chance in any_number(),
        row in prop_oneof![0_u32..80, Just(u32::MAX)],
    ) {
        let backoff = Backoff { first, factor, cap, jitter, ..Backoff::default() };
        let waited = wait(&backoff, row, chance);
        prop_assert!(waited <= cap);
        let plain = wait(&backoff, row, 0.0);
        prop_assert!(waited >= plain);
        // Both are rounded to what a clock can tell.
        prop_assert!(waited.as_secs_f64() <= 2.0 * plain.as_secs_f64() * (1.0 + 1e-9) + 1e-8);
        if row > 0 && !first.is_zero() {
            prop_assert!(plain.as_secs_f64() >= first.min(cap).as_secs_f64() * (1.0 - 1e-9));
            prop_assert!(plain <= wait(&backoff, row.saturating_add(1), 0.0));
        }
    }

    #[test]
    fn a_clock_that_stands_still_or_falls_back_harms_nobody(moves in prop::collection::vec(0_u64..100, 1..40)) {
        let (mut history, start) = (History::default(), Instant::now());
        for second in moves {
            let now = start + seconds(second);
            history.started(now);
            decide(&rules(), &mut history, FAILED, now, 0.5);
            prop_assert!(history.exits().count() <= 6);
        }
    }
}
