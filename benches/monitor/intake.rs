//! How many events a monitor counts in a second, and what a question costs meanwhile.

use std::path::Path;
use std::process::{Command, Stdio};

use measure::{Limits, WorkDir, median};

use crate::starts::Starts;

/// The number of events, from one bot and from ten at once.
const EVENTS: u64 = 20_000_000;

/// At least a million in a second: at most a microsecond each.
const AT_MOST: f64 = 1.0;

/// The limit for the median reply during the events, in microseconds.
const LATE: f64 = 2000.0;

/// Runs it in turns with a bare loop, and compares the medians.
pub(crate) fn intake(bot: &Path, rounds: usize, limits: &mut Limits) {
    for bots in [1, 10] {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let events = EVENTS / bots;
            ours.push(flood(bot, &[&bots.to_string(), &events.to_string()]));
            bare.push(flood(bot, &["bare", &EVENTS.to_string()]));
        }
        let of =
            |rounds: &[Vec<f64>], index: usize| median(&rounds.iter().map(|round| round[index]).collect::<Vec<_>>());
        let (rate, theirs) = (of(&ours, 0), of(&bare, 0));
        println!("events of {bots} bots: {:.1} million in a second; a bare loop {:.1}", rate / 1e6, theirs / 1e6);
        limits.figure("    an event", "us", 1e6 / rate, AT_MOST);
        println!(
            "    status, p50 and p99: {:.0} and {:.0} us, without events {:.0} and {:.0}",
            of(&ours, 1),
            of(&ours, 2),
            of(&ours, 3),
            of(&ours, 4)
        );
        limits.figure("    status while they come, p50", "us", of(&ours, 1), LATE);
    }
}

/// Runs the program `flood`, and reads the figures that it prints.
fn flood(bot: &Path, arguments: &[&str]) -> Vec<f64> {
    let work_dir = WorkDir::new();
    let starts = Starts::new(work_dir.join("starts"));
    let program = std::env::current_exe().expect("a path").with_file_name("flood");
    let (kind, numbers) = arguments.split_at(usize::from(arguments[0] == "bare"));
    let mut command = Command::new(program);
    command.args(kind).arg(bot).arg(starts.path()).args(numbers).current_dir(work_dir.path());
    let output = command.stderr(Stdio::inherit()).output().expect("the program `flood`");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(!figures.is_empty(), "`flood` has measured nothing: {text}");
    figures
}
