//! Who waits for whom, and for what.

use std::net::TcpListener;

use crate::common::{lab, lines, number, refused, start, state, status, stop, tell, wait_for};

/// The lines of a file, in the order in which they were written.
fn order(lab: &look::Lab, count: usize) -> Vec<String> {
    lines(lab, "order", count)
}

#[test]
fn a_bot_waits_until_those_are_ready_that_it_depends_on() {
    let lab = lab();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let tcp = format!("tcp ready=tcp:127.0.0.1:{port} : BOT sleep:200 append:LAB/order:tcp listen:{port} idle");
    start(
        &lab,
        &[
            "last depends=tcp,file,output,notify,exit : BOT append:LAB/order:last idle",
            &tcp,
            "file ready=file:LAB/ready : BOT sleep:250 append:LAB/order:file touch:LAB/ready idle",
            "output ready=output:listening : BOT print:nothing sleep:300 append:LAB/order:output print:now.listening.here idle",
            "notify ready=notify : BOT sleep:350 append:LAB/order:notify ready idle",
            "exit ready=exit : BOT sleep:400 append:LAB/order:exit exit:0",
        ],
    );
    assert_eq!(state(&lab, "last"), "waiting");
    assert!(status(&lab, "last").contains("waits for `"));
    wait_for(&lab, "last", "running");
    let order = order(&lab, 6);
    assert_eq!(order.last().map(String::as_str), Some("last"), "{order:?}");
    // Those of which nobody waits for another have started side by side.
    for name in ["tcp", "file", "output", "notify"] {
        assert_eq!(state(&lab, name), "running");
    }
    assert_eq!(state(&lab, "exit"), "exited");
    stop(&lab);
}

/// By a real client, from a shell: a process of the bot's session speaks for the bot.
#[test]
fn readiness_is_heard_from_descendants_and_not_from_strangers() {
    let lab = lab();
    start(
        &lab,
        &[
            "shell ready=notify : sh BOT sleep:200 ready; exec sleep 999",
            "mute ready=notify ready_timeout=60000 : BOT environment:LAB/mute.new idle",
        ],
    );
    wait_for(&lab, "shell", "running");
    let environment = lines(&lab, "mute.new", 5);
    let address = environment.iter().find_map(|line| line.strip_prefix("NOTIFY_SOCKET=")).unwrap();
    let stranger = ["--reuid=65534", "--clear-groups", crate::common::BOT, "ready"];
    lab.command("setpriv", &stranger).env("NOTIFY_SOCKET", address).run().ok();
    tell(&lab, "status");
    assert_eq!(state(&lab, "mute"), "starting", "a stranger has spoken for it");
    stop(&lab);
}

#[test]
fn a_bot_that_is_not_ready_in_time_is_stopped_and_tried_again() {
    let lab = lab();
    start(
        &lab,
        &[
            "never ready=file:LAB/nothing ready_timeout=100 limit=1/3600000 backoff=1 : BOT append:LAB/starts:x idle",
            "waits depends=never : BOT append:LAB/starts:wrong idle",
        ],
    );
    let told = wait_for(&lab, "never", "gave-up");
    assert!(told.contains("not being ready in time"), "{told}");
    assert_eq!(lab.read("starts"), "x\nx\n");
    assert_eq!(state(&lab, "waits"), "waiting");
    stop(&lab);
}

#[test]
fn a_start_waits_until_it_is_ready_and_tells_why_it_is_not() {
    let lab = lab();
    start(
        &lab,
        &[
            "good autostart=no ready=file:LAB/ready : BOT sleep:200 touch:LAB/ready idle",
            "bad autostart=no ready=file:LAB/no limit=0/1000 : BOT exit:9",
            "slow autostart=no ready=file:LAB/no : BOT idle",
            "needs autostart=no depends=dep : BOT idle",
            "dep autostart=no : BOT idle",
        ],
    );
    assert!(tell(&lab, "start good 20000").contains("good running"));
    assert!(lab.path("ready").exists());
    let told = refused(&lab, "start bad 20000");
    assert!(told.contains("failed to wait for bot `bad`: it was given up: ended 1 time"), "{told}");
    assert!(refused(&lab, "start slow 100").contains("not done within"));
    // Those that it depends on are started too.
    tell(&lab, "start needs 20000");
    assert_eq!(number(&status(&lab, "dep"), "start"), 1);
    stop(&lab);
}

#[test]
fn a_job_that_fails_keeps_those_waiting_that_need_it() {
    let lab = lab();
    start(&lab, &["job ready=exit restart=never : BOT exit:1", "web depends=job : BOT idle"]);
    wait_for(&lab, "job", "failed");
    assert_eq!(state(&lab, "web"), "waiting");
    stop(&lab);
}
