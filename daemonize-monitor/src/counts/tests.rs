//! The counts on a clock that the tests move, against oracles that remember everything.

use super::name::{MAX_NAME_LENGTH, clean};
use super::{BuiltIn, Counts, MAX_NAMES, MINUTES};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn minutes(number: u64) -> Duration {
    Duration::from_secs(number * 60)
}

/// Total and past hour of a name.
fn totals(counts: &Counts, name: &str, now: Instant) -> Option<(u64, u64)> {
    counts.get(name, now).map(|count| (count.total, count.past_hour()))
}

#[test]
fn what_is_an_hour_old_leaves_the_hour_but_not_the_total() {
    let start = Instant::now();
    let mut counts = Counts::new(start);
    counts.report(b"reply", 2, start);
    counts.report(b"reply", 1, start + minutes(59));
    assert_eq!(totals(&counts, "reply", start + minutes(59)), Some((3, 3)));
    assert_eq!(totals(&counts, "reply", start + minutes(60)), Some((3, 1)));
    assert_eq!(totals(&counts, "reply", start + minutes(118)), Some((3, 1)));
    assert_eq!(totals(&counts, "reply", start + minutes(119)), Some((3, 0)));
    assert_eq!(totals(&counts, "question", start), None);
}

#[test]
fn the_minutes_make_a_curve() {
    let start = Instant::now();
    let mut counts = Counts::new(start);
    for minute in 0..100_u64 {
        counts.report(b"beat", minute, start + minutes(minute));
    }
    let curve = counts.get("beat", start + minutes(101)).unwrap().minutes;
    assert_eq!(curve[..58], std::array::from_fn::<u32, 58, _>(|index| 42 + u32::try_from(index).unwrap()));
    assert_eq!(curve[58..], [0, 0]);
}

#[test]
fn what_the_program_says_is_not_what_the_monitor_saw() {
    let start = Instant::now();
    let mut counts = Counts::new(start);
    counts.add(BuiltIn::Exit, start);
    counts.report(b"exit", 5, start);
    counts.report(b"kill", 5, start);
    let found: Vec<(&str, u64)> = counts.iter(start).map(|count| (count.name, count.total)).collect();
    assert_eq!(found, [("exit", 1), ("program:exit", 5), ("program:kill", 5)]);
}

#[test]
fn a_program_that_invents_names_fills_one_place_in_the_end() {
    let start = Instant::now();
    let mut counts = Counts::new(start);
    for number in 0..1000 {
        counts.report(format!("name{number:04}").as_bytes(), 1, start);
    }
    counts.report(b"name0003", 1, start);
    counts.report(b"(other)", 1, start);
    for event in BuiltIn::ALL {
        counts.add(event, start);
    }
    assert_eq!(counts.iter(start).len(), MAX_NAMES + 1 + BuiltIn::ALL.len());
    assert_eq!(totals(&counts, "(other)", start), Some((1001 - MAX_NAMES as u64, 1001 - MAX_NAMES as u64)));
    assert_eq!(totals(&counts, "name0003", start), Some((2, 2)));
    assert_eq!(totals(&counts, "kill", start), Some((1, 1)));
}

#[test]
fn what_the_monitor_calls_other_is_its_own() {
    let start = Instant::now();
    let mut counts = Counts::new(start);
    counts.report(b"(other)", 1, start);
    counts.report(b"(other)", 1, start);
    assert_eq!(counts.iter(start).map(|count| (count.name, count.total)).collect::<Vec<_>>(), [("?other?", 2)]);
}

#[test]
fn names_are_fit_to_be_shown() {
    let cases: [(&[u8], &str); 8] = [
        (b"reply", "reply"),
        ("größe".as_bytes(), "größe"),
        (b"", "?"),
        (b"a b\x1b[2J\n", "a?b??2J?"),
        (b"<script>\"'&\\`", "?script??????"),
        (b"(other)", "?other?"),
        (b"\xff\xfe", "??"),
        ("\u{202e}\u{200b}".as_bytes(), "??"),
    ];
    for (name, expected) in cases {
        assert_eq!(clean(name, false), expected, "{name:?}");
    }
    assert_eq!(clean(&[b'x'; 1000], false).len(), MAX_NAME_LENGTH);
    assert_eq!(clean("é".repeat(100).as_bytes(), true), format!("program:{}", "é".repeat(28)));
}

#[test]
fn nothing_overflows() {
    let start = Instant::now();
    let mut counts = Counts::new(start);
    counts.report(b"flood", u64::MAX, start);
    counts.report(b"flood", u64::MAX, start);
    assert_eq!(totals(&counts, "flood", start), Some((u64::MAX, u64::from(u32::MAX))));
}

#[test]
fn a_name_takes_about_three_hundred_bytes() {
    assert!(size_of::<super::CountEntry>() <= 272, "{}", size_of::<super::CountEntry>());
    assert!(size_of::<Counts>() <= 48, "{}", size_of::<Counts>());
}

proptest! {
    #[test]
    fn the_counts_are_those_of_somebody_who_remembers_every_event(
        events in prop::collection::vec((0_u64..2000, 0..4_usize, 1_u64..5), 1..200),
        later in 0_u64..8000,
    ) {
        let names = ["a", "bb", "c-c", "d.d"];
        let start = Instant::now();
        let (mut counts, mut remembered) = (Counts::new(start), BTreeMap::<&str, Vec<(u64, u64)>>::new());
        let mut second = 0;
        for (gap, name, times) in events {
            second += gap;
            counts.report(names[name].as_bytes(), times, start + Duration::from_secs(second));
            remembered.entry(names[name]).or_default().push((second / 60, times));
        }
        let now = second + later;
        prop_assert_eq!(counts.iter(start).len(), remembered.len());
        for (name, events) in remembered {
            let count = counts.get(name, start + Duration::from_secs(now)).unwrap();
            prop_assert_eq!(count.total, events.iter().map(|(_, times)| times).sum::<u64>());
            for (back, minute) in count.minutes.iter().rev().enumerate() {
                let happened = events.iter().filter(|(at, _)| at + back as u64 == now / 60).map(|(_, times)| times);
                prop_assert_eq!(u64::from(*minute), happened.sum::<u64>(), "{} minutes back", back);
            }
            prop_assert!(count.minutes.len() == MINUTES);
        }
    }

    #[test]
    fn a_cleaned_name_is_short_and_stays_as_it_is(name in prop::collection::vec(any::<u8>(), 0..300), built_in: bool) {
        let cleaned = clean(&name, built_in);
        prop_assert!(!cleaned.is_empty() && cleaned.len() <= MAX_NAME_LENGTH);
        prop_assert!(!cleaned.contains(|letter: char| letter.is_control() || letter.is_whitespace() || "\"\\<>&()".contains(letter)));
        prop_assert_eq!(clean(cleaned.as_bytes(), false), cleaned);
    }
}
