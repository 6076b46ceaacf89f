//! Rolling restarts: the instances of a bot one after another, and what happens meanwhile.
//!
//! The instances are ready when a file has changed that the tests touch, so that a test decides when each turn is over.

use std::time::Duration;

use look::Deadline;
use serde_json::Value;

use crate::cli_lab::CliLab;
use crate::common::EVENT_TIMEOUT;

/// Three instances that are ready when the test says so.
const GATED: &str = r#"
[bot.web]
command = "BOT"
args = ["idle"]
instances = 3
ready = { file = "LAB/gate" }
"#;

const NAMES: [&str; 3] = ["web:1", "web:2", "web:3"];

/// A lab with three gated instances that run.
fn gated() -> CliLab {
    let cli = CliLab::new(GATED);
    cli.start();
    open_gate(&cli);
    all_run(&cli);
    cli
}

/// Waits until the program of an instance runs that is not ready yet.
fn until_starting(cli: &CliLab, name: &str) -> Value {
    cli.until(name, |bot| bot["state"] == "starting" && bot["pid"].is_i64())
}

fn all_run(cli: &CliLab) {
    for name in NAMES {
        cli.until_is(name, "running");
    }
}

/// Makes the instances ready that are starting. They run by then: what changes before a start does not count.
fn open_gate(cli: &CliLab) {
    for name in NAMES {
        cli.until(name, |bot| bot["state"] == "stopped" || bot["pid"].is_i64() && bot["state"] != "stopping");
    }
    cli.lab.write("gate", "");
}

fn pids_of(cli: &CliLab, names: &[&str]) -> Vec<i32> {
    names.iter().map(|name| cli.pid(name)).collect()
}

fn pids(cli: &CliLab) -> [i32; 3] {
    NAMES.map(|name| cli.pid(name))
}

/// Begins a command, and does not wait until it is done.
fn begin(cli: &CliLab, arguments: &[&str]) {
    let outcome = cli.ctl(arguments).arg("--wait=0s").run();
    assert!(outcome.code() == 0 || outcome.stderr.contains("not done within"), "{outcome}");
}

/// Returns the progress of an instance: done and total, or nothing.
fn rolling(bot: &Value) -> Option<(u64, u64)> {
    Some((bot["rolling"]["done"].as_u64()?, bot["rolling"]["total"].as_u64()?))
}

/// Promise 6.66.
#[test]
fn each_instance_is_ready_before_the_next_is_touched() {
    let cli = gated();
    let before = pids(&cli);
    begin(&cli, &["restart", "web"]);
    for (done, name) in NAMES.into_iter().enumerate() {
        until_starting(&cli, name);
        let now = pids(&cli);
        for other in 0..3 {
            assert_eq!(now[other] == before[other], other > done, "{name}: {before:?} {now:?}");
        }
        assert_eq!(rolling(&cli.bot(name)), Some((done as u64, 3)));
        assert!(cli.ctl(&["status"]).run().stdout.contains(&format!("rolling: {done} of 3")));
        open_gate(&cli);
    }
    cli.until("web:3", |bot| bot["rolling"].is_null() && bot["state"] == "running");
    // Two at once, or all.
    for (parallel, touched) in [("2", 2), ("all", 3)] {
        let before = pids(&cli);
        begin(&cli, &["restart", "web", "--parallel", parallel]);
        for name in &NAMES[..touched] {
            until_starting(&cli, name);
        }
        let unchanged = pids(&cli).into_iter().zip(before).filter(|(now, before)| now == before).count();
        assert_eq!(unchanged, 3 - touched, "--parallel {parallel}");
        open_gate(&cli);
        if touched < 3 {
            until_starting(&cli, "web:3");
            open_gate(&cli);
        }
        all_run(&cli);
    }
    cli.shutdown();
}

/// Promise 6.66.
#[test]
fn failed_instance_stops_the_roll_and_the_others_run_on() {
    let bots = |args: &str| {
        format!(
            "[bot.web]\ncommand = \"BOT\"\nargs = [{args}]\ninstances = 3\nready = {{ output = \"up\" }}\nbackoff = {{ first = \"60s\" }}\nlimit = {{ exits = 0, window = \"1h\" }}\n"
        )
    };
    let cli = CliLab::new(&bots("\"print:up\", \"idle\""));
    cli.ok(&["start", "--wait"]);
    cli.monitor();
    let before = pids(&cli);
    cli.configure(&bots("\"print:no such table\", \"exit:3\""));
    let outcome = cli.ctl(&["reload", "--wait"]).run();
    assert_eq!(outcome.code(), 1, "{outcome}");
    assert!(outcome.stdout.contains("~ web:2: restarts in its turn (args)"), "{outcome}");
    for part in ["`web:1`: ", "status 3", "its last line: `no such table`", "`web:2`, `web:3` were not touched"] {
        assert!(outcome.stderr.contains(part), "{part}: {outcome}");
    }
    assert_eq!([cli.pid("web:2"), cli.pid("web:3")], before[1..], "they were touched");
    let status = cli.ctl(&["status"]).run().stdout;
    let cause = "stopped the rolling restart: ended by status 3 before it was ready (its last line: `no such table`)";
    assert_eq!((status.matches(cause).count(), status.matches("no such table").count()), (1, 1), "{status}");
    assert_eq!(status.matches("runs as before, since `web:1` failed").count(), 2, "{status}");
    // The plan is by what runs.
    let turn = |name: &str| format!("~ {name}: would be restarted (args)\n");
    let untouched = turn("web:2") + &turn("web:3") + "1 bot untouched\n";
    assert_eq!(cli.ok(&["reload", "-n"]), untouched);
    cli.configure(&bots("\"print:up\", \"idle\""));
    assert_eq!(cli.ok(&["reload", "-n"]), turn("web:1") + "2 bots untouched\n");
    cli.ok(&["reload", "--wait"]);
    assert_eq!([cli.pid("web:2"), cli.pid("web:3")], before[1..], "they run what is wanted");
    let status = cli.ctl(&["status"]).run().ok().stdout;
    assert!(!status.contains("as before") && !status.contains("rolling"), "{status}");
    // A restart of the corrected program takes all of them.
    cli.ok(&["restart", "--wait", "web"]);
    let status = cli.ctl(&["status"]).run().stdout;
    assert!(!status.contains("rolling"), "{status}");
    assert!(pids(&cli).iter().all(|pid| !before.contains(pid)));
    cli.shutdown();
}

/// Promise 6.82. The cause is outside of the configuration.
#[test]
fn reload_restarts_what_runs_settings_from_before() {
    let bots = |script: &str| {
        format!(
            "[bot.web]\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"{script}; echo up; exec sleep 1000\"]\ninstances = 3\nready = {{ output = \"up\" }}\nlimit = {{ exits = 0, window = \"1h\" }}\n"
        )
    };
    let cli = CliLab::new(&bots("true"));
    cli.ok(&["start", "--wait"]);
    let before = pids(&cli);
    cli.configure(&bots("[ -e LAB/table ] || exit 3"));
    cli.ctl(&["reload", "--wait"]).run().exits(1);
    assert_eq!([cli.pid("web:2"), cli.pid("web:3")], before[1..], "they were touched");
    let of = |name: &str| cli.bot(name)["rolling"].take();
    assert_eq!((of("web:1")["untouched"].as_bool(), of("web:2")["untouched"].as_bool()), (Some(false), Some(true)));
    cli.lab.write("table", "");
    let plan = cli.ok(&["reload", "--wait"]);
    let turn = |name: &str| format!("~ {name}: restarts in its turn (args)\n");
    assert_eq!(plan, turn("web:2") + &turn("web:3") + "1 bot untouched\n");
    assert!(pids_of(&cli, &NAMES[1..]).iter().all(|pid| !before.contains(pid)));
    assert_eq!(cli.ok(&["reload", "-n"]), "3 bots untouched\n");
    cli.ok(&["start", "--wait", "web:1"]);
    assert!(NAMES.iter().all(|name| of(name).is_null()));
    cli.shutdown();
}

/// Promise 6.66.
#[test]
fn instance_that_is_stopped_or_removed_meanwhile_is_left_out() {
    let cli = gated();
    begin(&cli, &["restart", "web"]);
    until_starting(&cli, "web:1");
    // One that waits for its turn, and then the one whose turn it is.
    cli.ok(&["stop", "--wait", "web:2"]);
    cli.ok(&["stop", "--wait", "web:1"]);
    until_starting(&cli, "web:3");
    assert_eq!([cli.bot("web:1")["state"].as_str(), cli.bot("web:2")["state"].as_str()], [Some("stopped"); 2]);
    assert_eq!(rolling(&cli.bot("web:3")), Some((2, 3)));
    open_gate(&cli);
    cli.until("web:3", |bot| bot["state"] == "running" && bot["rolling"].is_null());
    // The configuration has two instances less while the first one is starting.
    begin(&cli, &["start", "web"]);
    NAMES[..2].iter().for_each(|name| drop(until_starting(&cli, name)));
    open_gate(&cli);
    all_run(&cli);
    begin(&cli, &["restart", "web"]);
    until_starting(&cli, "web:1");
    cli.configure(&GATED.replace("instances = 3", "instances = 1"));
    cli.ok(&["reload"]);
    cli.lab.write("gate", "");
    cli.until("web:1", |bot| bot["state"] == "running" && bot["rolling"].is_null());
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while cli.client().get("/bots").unwrap()["bots"].as_array().unwrap().len() > 1 {
        assert!(!deadline.passed(), "they were not removed");
        std::thread::sleep(Duration::from_millis(5));
    }
    cli.shutdown();
}

/// Promise 6.66.
#[test]
fn second_restart_joins_the_roll_and_a_shutdown_ends_it() {
    let cli = gated();
    begin(&cli, &["restart", "web"]);
    until_starting(&cli, "web:1");
    let first = cli.pid("web:1");
    open_gate(&cli);
    until_starting(&cli, "web:2");
    // web:1 is done and has another turn; web:3 has one still; web:2 may run the old program by now.
    begin(&cli, &["restart", "web"]);
    assert_eq!(rolling(&cli.bot("web:2")), Some((1, 5)));
    open_gate(&cli);
    until_starting(&cli, "web:3");
    // An instance of a family that rolls waits for its turn, too.
    begin(&cli, &["restart", "web:3"]);
    assert_eq!(cli.bot("web:1")["state"], "running");
    open_gate(&cli);
    cli.until("web:1", |bot| bot["state"] == "starting" && bot["pid"].is_i64() && bot["pid"] != first);
    let waiting = cli.ctl(&["restart", "--wait", "web"]).spawn();
    cli.until("web:1", |bot| rolling(bot).is_some_and(|(_, total)| total > 6));
    cli.shutdown();
    let outcome = waiting.finish();
    assert_ne!(outcome.code(), 0, "{outcome}");
}
