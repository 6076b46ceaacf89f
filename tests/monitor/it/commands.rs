//! What a monitor can be told.

use crate::common::{
    BOT, environment, lab, lines, number, process, refused, start, state, status, stop, tell, wait_for,
};
use look::Process;

#[test]
fn bots_are_started_stopped_and_restarted_by_name() {
    let lab = lab();
    start(&lab, &["web autostart=no : BOT stamp:LAB/starts idle", "db : BOT idle"]);
    assert_eq!((state(&lab, "web"), state(&lab, "db")), ("stopped".into(), "running".into()));
    assert!(tell(&lab, "start web 10000").starts_with("web running"));
    let first = process(&lab, "web");
    assert_eq!(tell(&lab, "start web 10000").lines().count(), 2, "a start of what runs is done");
    assert_eq!(process(&lab, "web"), first);
    tell(&lab, "restart web 10000");
    assert!(process(&lab, "web") != first && !first.alive());
    // Its program runs, but may not have come to its first line.
    lines(&lab, "starts", 2);
    assert!(tell(&lab, "stop web 10000").starts_with("web stopped"));
    assert!(tell(&lab, "stop web 10000").starts_with("web stopped"));
    assert!(tell(&lab, "restart web 10000").starts_with("web running"));
    assert_eq!(lines(&lab, "starts", 3).len(), 3);
    assert_eq!(tell(&lab, "find web"), "web\nok\n");
    stop(&lab);
}

#[test]
fn a_name_that_is_not_there_is_told() {
    let lab = lab();
    start(&lab, &["web : BOT idle"]);
    for verb in [
        "start nobody",
        "stop nobody",
        "restart nobody 10",
        "destroy nobody",
        "status nobody",
        "signal nobody TERM",
        "tail nobody 3",
    ] {
        let told = refused(&lab, verb);
        assert!(told.contains("failed to find bot `nobody`: there is none of this name"), "{verb}: {told}");
    }
    assert_eq!(tell(&lab, "find nobody"), "\nok\n");
    stop(&lab);
}

#[test]
fn instances_are_meant_together_and_one_by_one() {
    let lab = lab();
    start(&lab, &["web instances=3 : BOT idle", "web2 : BOT idle"]);
    assert_eq!(tell(&lab, "find web"), "web:1 web:2 web:3\nok\n");
    let before: Vec<Process> = ["web:1", "web:2", "web:3", "web2"].iter().map(|name| process(&lab, name)).collect();
    assert!(environment(before[1]).contains(&"DAEMON_INSTANCE=2".to_owned()));
    tell(&lab, "restart web:2 10000");
    let after: Vec<Process> = ["web:1", "web:2", "web:3", "web2"].iter().map(|name| process(&lab, name)).collect();
    let same: Vec<bool> = before.iter().zip(&after).map(|(one, other)| one == other).collect();
    assert_eq!(same, [true, false, true, true]);
    let told = tell(&lab, "stop web 10000");
    assert_eq!(told.matches(" stopped ").count(), 3, "{told}");
    assert_eq!(state(&lab, "web2"), "running");
    stop(&lab);
}

#[test]
fn a_program_in_no_configuration_is_a_bot_until_it_is_destroyed() {
    let lab = lab();
    start(&lab, &["web : BOT idle"]);
    lab.write("hello", "#!/bin/sh\nexec sleep 999\n");
    lab.shell("chmod +x hello").run().ok();
    let path = lab.path("hello").display().to_string();
    assert!(tell(&lab, &format!("start {path} 10000")).starts_with("hello running"));
    assert!(status(&lab, "hello").contains("temporary=yes"));
    assert!(tell(&lab, "reload").starts_with("1 bot is left as it is"), "a reload takes it for one that was removed");
    let first = process(&lab, "hello");
    assert!(tell(&lab, &format!("start {path}")).starts_with("hello running"));
    assert_eq!(process(&lab, "hello"), first, "a second copy was started");
    tell(&lab, "stop hello 10000");
    assert_eq!(state(&lab, "hello"), "stopped");
    tell(&lab, "start hello 10000");
    tell(&lab, "destroy hello 10000");
    refused(&lab, "status hello");
    // Neither another program of that name, nor a path that is no name.
    let told = refused(&lab, "start /nowhere/web");
    assert!(told.contains("there is another bot `web`"), "{told}");
    assert!(refused(&lab, "start /").contains("failed to find bot"));
    let told = refused(&lab, "start /nowhere/ghost 20000");
    assert!(told.contains("given up") || told.contains("no such file"), "{told}");
    stop(&lab);
}

#[test]
fn a_bot_is_signalled_by_name() {
    let lab = lab();
    start(&lab, &["web autostart=no restart=never : BOT idle"]);
    assert!(refused(&lab, "signal web TERM").contains("failed to signal bot `web`: it does not run"));
    tell(&lab, "start web 10000");
    tell(&lab, "signal web KILL");
    assert!(wait_for(&lab, "web", "failed").contains("SIGKILL"));
    stop(&lab);
}

#[test]
fn p6_17_a_suspended_bot_is_shown_as_such() {
    let lab = lab();
    start(&lab, &["web : BOT idle"]);
    tell(&lab, "signal web STOP");
    wait_for(&lab, "web", "suspended");
    tell(&lab, "signal web CONT");
    wait_for(&lab, "web", "running");
    assert_eq!(number(&status(&lab, "web"), "exit"), 0);
    stop(&lab);
}

#[test]
fn changes_are_told_as_they_happen() {
    let lab = lab();
    start(&lab, &["web autostart=no ready=file:LAB/ready : BOT sleep:200 touch:LAB/ready idle"]);
    let watching = lab.helper(&["tell", "watch web running"]).spawn();
    lab.shell("sleep 0.3").run().ok();
    tell(&lab, "start web");
    let told = watching.finish().ok().stdout;
    let states: Vec<&str> = told.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(states, ["starting", "running"], "{told}");
    stop(&lab);
}

#[test]
fn a_bot_is_given_the_environment_that_was_said() {
    let lab = lab();
    start(
        &lab,
        &[
            "clear clear=yes env=A=b=c : BOT environment:LAB/clear.new idle",
            "full env=A=$(touch`x`) env=NOTIFY_SOCKET=mine : BOT environment:LAB/full.new idle",
        ],
    );
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
    for line in ["A=$(touch`x`)", "NOTIFY_SOCKET=mine", "DAEMON_BOT=full", "DAEMON_EVENTS=3"] {
        assert!(full.contains(&line.to_owned()), "no {line} in {full:?}");
    }
    assert!(full.iter().any(|line| line.starts_with("LOOK_LAB=")), "the monitor's own is missing: {full:?}");
    assert!(process(&lab, "full").program().is_some_and(|program| program.ends_with("bot")), "{BOT}");
    stop(&lab);
}
