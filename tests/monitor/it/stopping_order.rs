//! Stops and restarts of bots on which others depend.

use crate::common::{begin, lab, lines, number, process, start, state, status, stop, tell, wait_for};
use look::Process;
use nix::sys::signal::Signal;

/// Returns bots that write their names to `ends` when they end, each after its time: `(name, depends, time)`.
fn told_at_their_end(bots: &[(&str, &str, &str)]) -> Vec<String> {
    let bot = |(name, depends, time): &(&str, &str, &str)| {
        let script = format!(
            "trap 'sleep {time}; echo {name} >> LAB/ends; exit' TERM; echo {name} >> LAB/up; echo is up; \
             while :; do sleep 0.02; done"
        );
        format!(
            r#"{name} = {{ command = "/bin/sh", args = ["-c", "{script}"], {depends} ready = {{ output = "up" }} }}"#
        )
    };
    bots.iter().map(bot).collect()
}

/// Starts them, and waits until each is ready to be stopped.
fn start_those(lab: &look::Lab, bots: &[(&str, &str, &str)]) {
    let bots = told_at_their_end(bots);
    start(lab, &bots.iter().map(String::as_str).collect::<Vec<_>>());
    lines(lab, "up", bots.len());
}

const LEVELS: [(&str, &str, &str); 4] = [
    ("db", "", "0"),
    ("web", r#"depends_on = ["db"],"#, "0.2"),
    ("edge", r#"depends_on = ["web"],"#, "0.4"),
    ("other", "", "0"),
];

/// Promise 6.12.
#[test]
fn stop_takes_dependents_first() {
    let lab = lab();
    start_those(&lab, &LEVELS);
    let other = process(&lab, "other");
    let told = tell(&lab, "stop --wait=20s db");
    assert!(told.contains("stopped"), "{told}");
    assert_eq!(lab.read("ends"), "edge\nweb\ndb\n");
    for bot in ["edge", "web", "db"] {
        assert_eq!(state(&lab, bot), "stopped", "{bot}");
    }
    assert_eq!(process(&lab, "other"), other, "a stranger was touched");
    // A start brings back the bot's dependencies, and no other bot.
    tell(&lab, "start --wait=20s web");
    assert_eq!((state(&lab, "db"), state(&lab, "edge")), ("running".into(), "stopped".into()));
    stop(&lab);
}

/// Promise 6.12. A restart is a stop, and brings back the bots that it has stopped.
#[test]
fn restart_takes_dependents_first_and_restarts_them() {
    let lab = lab();
    start_those(&lab, &LEVELS);
    let before: Vec<Process> = LEVELS.iter().map(|(name, ..)| process(&lab, name)).collect();
    assert!(tell(&lab, "restart --wait=20s db").starts_with("db: running"));
    wait_for(&lab, "edge", "running");
    assert_eq!(lab.read("ends"), "edge\nweb\ndb\n");
    assert_eq!(lines(&lab, "up", 7)[4..], ["db", "web", "edge"]);
    let same = |at: usize| process(&lab, LEVELS[at].0) == before[at];
    assert_eq!([0, 1, 2, 3].map(same), [false, false, false, true]);
    // Bots that were down stay down, and bots that are only stopped are not restarted.
    tell(&lab, "stop --wait=20s edge");
    tell(&lab, "restart --wait=20s web");
    assert_eq!(state(&lab, "edge"), "stopped");
    let web = process(&lab, "web");
    process(&lab, "db").signal(Signal::SIGKILL);
    lines(&lab, "up", 9);
    wait_for(&lab, "db", "running");
    assert_eq!(process(&lab, "web"), web);
    stop(&lab);
}

/// Promise 6.12. As `restart --all`: each bot by its name, in any order; and each is restarted once.
#[test]
fn individual_restarts_of_all_bots_keep_the_order() {
    let lab = lab();
    // The first restart is not over before the last one is commanded.
    let mut levels = LEVELS;
    levels[2].2 = "0; until test -e LAB/go; do sleep 0.02; done";
    start_those(&lab, &levels);
    for bot in ["db", "edge", "other", "web"] {
        begin(&lab, &format!("restart {bot}"));
    }
    lab.write("go", "");
    let ups: Vec<_> = lines(&lab, "up", 8)[4..].iter().filter(|name| *name != "other").cloned().collect();
    let ends: Vec<_> = lines(&lab, "ends", 4).into_iter().filter(|name| name != "other").collect();
    assert_eq!(
        (ups, ends),
        (["db", "web", "edge"].map(str::to_owned).into(), ["edge", "web", "db"].map(str::to_owned).into())
    );
    wait_for(&lab, "edge", "running");
    for bot in ["db", "web", "edge", "other"] {
        assert_eq!(number(&status(&lab, bot), "start"), 2, "{bot}");
    }
    // A stop during a restart takes precedence.
    begin(&lab, "restart db");
    tell(&lab, "stop --wait=20s db");
    assert_eq!(
        ["db", "web", "edge", "other"].map(|bot| state(&lab, bot)),
        ["stopped", "stopped", "stopped", "running"]
    );
    stop(&lab);
}

/// The killed bot does not wait for its dependents, but they do not run on without it.
#[test]
fn bot_killed_by_hand_stops_its_dependents() {
    let lab = lab();
    start_those(&lab, &LEVELS);
    tell(&lab, "destroy --wait=20s db");
    for bot in ["edge", "web"] {
        wait_for(&lab, bot, "stopped");
    }
    assert_eq!(lab.read("ends"), "edge\nweb\n", "the one that was killed could say so");
    assert_eq!((state(&lab, "db"), state(&lab, "other")), ("stopped".into(), "running".into()));
    stop(&lab);
}

/// Promise 6.12. As `stop --all`: each bot by its name, in any order.
#[test]
fn individual_stops_of_all_bots_keep_the_order() {
    let lab = lab();
    start_those(&lab, &LEVELS);
    for bot in ["db", "edge", "other", "web"] {
        begin(&lab, &format!("stop {bot}"));
    }
    tell(&lab, "stop --wait=20s db");
    let ends: Vec<_> = lines(&lab, "ends", 4).into_iter().filter(|name| name != "other").collect();
    assert_eq!(ends, ["edge", "web", "db"]);
    stop(&lab);
}

/// A bot that is started again before its dependencies have stopped keeps them.
#[test]
fn start_during_a_stop_keeps_dependencies() {
    let lab = lab();
    start_those(&lab, &[("db", "", "0"), ("web", r#"depends_on = ["db"],"#, "1")]);
    let db = process(&lab, "db");
    begin(&lab, "stop db");
    wait_for(&lab, "web", "stopping");
    assert_eq!(state(&lab, "db"), "running");
    tell(&lab, "start --wait=20s web");
    assert_eq!(lab.read("ends"), "web\n");
    assert_eq!(process(&lab, "db"), db);
    stop(&lab);
}

/// A bot that exits while it waits for its turn to stop is not restarted.
#[test]
fn bot_that_exits_before_its_turn_is_stopped() {
    let lab = lab();
    start_those(&lab, &[("db", "", "0"), ("web", r#"depends_on = ["db"],"#, "1")]);
    begin(&lab, "stop db");
    wait_for(&lab, "web", "stopping");
    process(&lab, "db").signal(Signal::SIGKILL);
    wait_for(&lab, "db", "stopped");
    wait_for(&lab, "web", "stopped");
    assert_eq!(lab.read("up").lines().count(), 2, "a bot was started again");
    stop(&lab);
}
