//! Commands of a monitor.

use crate::common::{
    BOT, EVENT_TIMEOUT, begin, client, environment, lab, lines, number, process, refused, start, start_program, state,
    states, status, stop, tell, wait_for, write_bots,
};
use look::Process;

#[test]
fn bots_are_started_stopped_and_restarted_by_name() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"], autostart = false }"#,
            r#"db = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    assert_eq!((state(&lab, "web"), state(&lab, "db")), ("stopped".into(), "running".into()));
    assert!(tell(&lab, "start --wait=10s web").starts_with("web: running"));
    let first = process(&lab, "web");
    assert_eq!(tell(&lab, "start --wait=10s web").lines().count(), 1, "a start of what runs is done");
    assert_eq!(process(&lab, "web"), first);
    tell(&lab, "restart --wait=10s web");
    assert!(process(&lab, "web") != first && !first.alive());
    // The program runs, but may not have reached its first line.
    lines(&lab, "starts", 2);
    assert!(tell(&lab, "stop --wait=10s web").starts_with("web: stopped"));
    assert!(tell(&lab, "stop --wait=10s web").starts_with("web: stopped"));
    assert!(tell(&lab, "restart --wait=10s web").starts_with("web: running"));
    assert_eq!(lines(&lab, "starts", 3).len(), 3);
    stop(&lab);
}

#[test]
fn unknown_name_is_reported() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    for verb in [
        "start absent",
        "stop absent",
        "restart --wait=10ms absent",
        "destroy absent",
        "signal TERM absent",
        "tail -n 3 absent",
    ] {
        let told = refused(&lab, verb);
        assert!(told.contains("failed to find bot `absent`: no bot or group has this name"), "{verb}: {told}");
    }
    assert!(refused(&lab, "status absent").contains("failed to find bot `absent`: no bot or group has this name"));
    stop(&lab);
}

#[test]
fn instances_are_addressed_together_and_individually() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"], instances = 3 }"#,
            r#"web2 = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    let named: Vec<String> = states(&lab).into_iter().map(|(name, _)| name).collect();
    assert_eq!(named, ["web:1", "web:2", "web:3", "web2"]);
    let before: Vec<Process> = ["web:1", "web:2", "web:3", "web2"].iter().map(|name| process(&lab, name)).collect();
    assert!(environment(before[1]).contains(&"DAEMON_INSTANCE=2".to_owned()));
    tell(&lab, "restart --wait=10s web:2");
    let after: Vec<Process> = ["web:1", "web:2", "web:3", "web2"].iter().map(|name| process(&lab, name)).collect();
    let same: Vec<bool> = before.iter().zip(&after).map(|(one, other)| one == other).collect();
    assert_eq!(same, [true, false, true, true]);
    let told = tell(&lab, "stop --wait=10s web");
    assert_eq!(told.matches(": stopped").count(), 3, "{told}");
    assert_eq!(state(&lab, "web2"), "running");
    stop(&lab);
}

#[test]
fn program_without_configuration_is_a_bot_until_destroyed() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    lab.write("hello", "#!/bin/sh\nexec sleep 999\n");
    lab.shell("chmod +x hello").run().ok();
    let path = lab.path("hello").display().to_string();
    assert!(tell(&lab, &format!("start --wait=10s {path}")).starts_with("hello: running"));
    assert!(status(&lab, "hello").contains("\"configured\":false"));
    assert!(tell(&lab, "reload").starts_with("1 bot untouched"), "a reload takes it for one that was removed");
    let first = process(&lab, "hello");
    assert!(tell(&lab, &format!("start {path}")).starts_with("hello: running"));
    assert_eq!(process(&lab, "hello"), first, "a second copy was started");
    tell(&lab, "stop --wait=10s hello");
    assert_eq!(state(&lab, "hello"), "stopped");
    tell(&lab, "start --wait=10s hello");
    tell(&lab, "destroy --wait=10s hello");
    refused(&lab, "status hello");
    // Neither another program of that name, nor a path that is not a name.
    let told = refused(&lab, "start /nowhere/web");
    assert!(told.contains("there is another bot `web`"), "{told}");
    assert!(refused(&lab, "start /").contains("failed to "), "{}", refused(&lab, "start /"));
    let told = refused(&lab, "start --wait=20s /nowhere/ghost");
    assert!(told.contains("given up") || told.contains("no such file"), "{told}");
    stop(&lab);
}

#[test]
fn signal_by_name_reaches_the_bot() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"], autostart = false, restart = "never" }"#]);
    assert!(refused(&lab, "signal TERM web").contains("failed to signal bot `web`: it does not run"));
    tell(&lab, "start --wait=10s web");
    tell(&lab, "signal KILL web");
    assert!(wait_for(&lab, "web", "failed").contains("SIGKILL"));
    stop(&lab);
}

/// Promise 6.17.
#[test]
fn suspended_bot_is_shown_as_suspended() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    tell(&lab, "signal STOP web");
    wait_for(&lab, "web", "suspended");
    tell(&lab, "signal CONT web");
    wait_for(&lab, "web", "running");
    assert_eq!(number(&status(&lab, "web"), "exit"), 0);
    stop(&lab);
}

#[test]
fn changes_are_streamed_as_they_happen() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["sleep:200", "touch:LAB/ready", "idle"], autostart = false, ready = { file = "LAB/ready" } }"#,
        ],
    );
    let mut changes = client(&lab).events().expect("events");
    begin(&lab, "start web");
    let mut states = Vec::new();
    while states.last().is_none_or(|state| state != "running") {
        let change = changes.next_within(EVENT_TIMEOUT).expect("a stream").expect("a change");
        if change.name == "bot" && change.data["name"] == "web" {
            states.push(change.data["state"].as_str().expect("a state").to_owned());
        }
    }
    states.dedup();
    assert_eq!(states, ["starting", "running"]);
    stop(&lab);
}

#[test]
fn bot_has_the_configured_environment() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"clear = { command = "BOT", args = ["write_environment:LAB/clear.new", "idle"], clear_env = true, env.A = "b=c" }"#,
            r#"full = { command = "BOT", args = ["write_environment:LAB/full.new", "idle"], env.A = "$$(touch`x`)" }"#,
        ],
    );
    start_program(&lab, &["own-variables"]);
    let clear = lines(&lab, "clear.new", 8);
    let names: Vec<&str> = clear.iter().map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "A",
            "DAEMON_BOT",
            "DAEMON_BOT_SECRET",
            "DAEMON_EVENTS",
            "DAEMON_EVENTS_PIPE",
            "DAEMON_MONITOR",
            "DAEMON_MONITOR_ID",
            "DAEMON_STOP_TIMEOUT"
        ]
    );
    assert_eq!(clear[0], "A=b=c");
    let full = lines(&lab, "full.new", 5);
    assert!(lines(&lab, "own.new", 5).contains(&"NOTIFY_SOCKET=mine".to_owned()));
    assert_eq!(process(&lab, "own").directory().as_deref(), Some(std::path::Path::new("/")));
    for line in ["A=$(touch`x`)", "DAEMON_BOT=full", "DAEMON_EVENTS=3"] {
        assert!(full.contains(&line.to_owned()), "no {line} in {full:?}");
    }
    assert!(full.iter().any(|line| line.starts_with("LOOK_LAB=")), "the monitor's own is missing: {full:?}");
    assert!(process(&lab, "full").program().is_some_and(|program| program.ends_with("bot")), "{BOT}");
    stop(&lab);
}
