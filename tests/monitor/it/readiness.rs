//! Dependencies: which bots wait for which others, and for which event.

use std::net::TcpListener;

use crate::common::{lab, lines, number, ping, refused, start, state, status, stop, tell, wait_for};

/// Returns the lines of a file, in the order in which they were written.
fn order(lab: &look::Lab, count: usize) -> Vec<String> {
    lines(lab, "order", count)
}

#[test]
fn bot_waits_until_its_dependencies_are_ready() {
    let lab = lab();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let tcp = format!(
        r#"tcp = {{ command = "BOT", args = ["sleep:200", "append:LAB/order:tcp", "listen:{port}", "idle"], ready = {{ tcp = "127.0.0.1:{port}" }} }}"#
    );
    start(
        &lab,
        &[
            r#"last = { command = "BOT", args = ["append:LAB/order:last", "idle"], depends_on = ["tcp", "file", "output", "notify", "exit"] }"#,
            &tcp,
            r#"file = { command = "BOT", args = ["sleep:250", "append:LAB/order:file", "touch:LAB/ready", "idle"], ready = { file = "LAB/ready" } }"#,
            r#"output = { command = "BOT", args = ["print:nothing", "sleep:300", "append:LAB/order:output", "print:now.listening.here", "idle"], ready = { output = "listening" } }"#,
            r#"notify = { command = "BOT", args = ["sleep:350", "append:LAB/order:notify", "ready", "idle"], ready = "notify" }"#,
            r#"exit = { command = "BOT", args = ["sleep:400", "append:LAB/order:exit", "exit:0"], ready = "exit" }"#,
        ],
    );
    assert_eq!(state(&lab, "last"), "waiting");
    assert!(status(&lab, "last").contains("waits for `"));
    wait_for(&lab, "last", "running");
    let order = order(&lab, 6);
    assert_eq!(order.last().map(String::as_str), Some("last"), "{order:?}");
    // Bots that do not depend on each other have started concurrently.
    for name in ["tcp", "file", "output", "notify"] {
        assert_eq!(state(&lab, name), "running");
    }
    assert_eq!(state(&lab, "exit"), "exited");
    stop(&lab);
}

/// A real client in a shell: a process of the bot's session reports for the bot.
#[test]
fn readiness_is_accepted_from_descendants_only() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"shell = { command = "/bin/sh", args = ["-c", "BOT sleep:200 ready; exec sleep 999"], ready = "notify" }"#,
            r#"mute = { command = "BOT", args = ["write_environment:LAB/mute.new", "idle"], ready = "notify", ready_timeout = "60s" }"#,
        ],
    );
    wait_for(&lab, "shell", "running");
    let environment = lines(&lab, "mute.new", 5);
    let address = environment.iter().find_map(|line| line.strip_prefix("NOTIFY_SOCKET=")).unwrap();
    let stranger = ["--reuid=65534", "--clear-groups", crate::common::BOT, "ready"];
    lab.command("setpriv", &stranger).env("NOTIFY_SOCKET", address).run().ok();
    ping(&lab);
    assert_eq!(state(&lab, "mute"), "starting", "a stranger has spoken for it");
    stop(&lab);
}

#[test]
fn bot_that_is_not_ready_in_time_is_stopped_and_retried() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"never = { command = "BOT", args = ["append:LAB/starts:x", "idle"], ready = { file = "LAB/nothing" }, ready_timeout = "100ms", limit = { exits = 1, window = "1h" }, backoff = { first = "1ms", cap = "1ms", jitter = 0.0 } }"#,
            r#"waits = { command = "BOT", args = ["append:LAB/starts:wrong", "idle"], depends_on = ["never"] }"#,
        ],
    );
    let told = wait_for(&lab, "never", "gave-up");
    assert!(told.contains("not being ready in time"), "{told}");
    assert_eq!(lab.read("starts"), "x\nx\n");
    assert_eq!(state(&lab, "waits"), "waiting");
    stop(&lab);
}

#[test]
fn start_waits_for_readiness_and_reports_failure() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"good = { command = "BOT", args = ["sleep:200", "touch:LAB/ready", "idle"], autostart = false, ready = { file = "LAB/ready" } }"#,
            r#"bad = { command = "BOT", args = ["exit:9"], autostart = false, ready = { file = "LAB/no" }, limit = { exits = 0, window = "1s" } }"#,
            r#"slow = { command = "BOT", args = ["idle"], autostart = false, ready = { file = "LAB/no" } }"#,
            r#"needs = { command = "BOT", args = ["idle"], autostart = false, depends_on = ["dep"] }"#,
            r#"dep = { command = "BOT", args = ["idle"], autostart = false }"#,
        ],
    );
    assert!(tell(&lab, "start --wait=20s good").contains("good: running"));
    assert!(lab.path("ready").exists());
    let told = refused(&lab, "start --wait=20s bad");
    assert!(told.contains("failed to wait for bot `bad`: it was given up: ended 1 time"), "{told}");
    assert!(refused(&lab, "start --wait=100ms slow").contains("not done within"));
    // Its dependencies are started too.
    tell(&lab, "start --wait=20s needs");
    assert_eq!(number(&status(&lab, "dep"), "start"), 1);
    stop(&lab);
}

#[test]
fn failed_job_keeps_its_dependents_waiting() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"job = { command = "BOT", args = ["exit:1"], ready = "exit", restart = "never" }"#,
            r#"web = { command = "BOT", args = ["idle"], depends_on = ["job"] }"#,
        ],
    );
    wait_for(&lab, "job", "failed");
    assert_eq!(state(&lab, "web"), "waiting");
    stop(&lab);
}
