//! Messages of a bot on its notify socket, other than readiness.

use crate::cli_lab::CliLab;
use crate::common::{EVENT_TIMEOUT, lab, lines, number, ping, start, status, stop, tell, wait_for, write_bots};

/// Promise 6.40.
#[test]
fn message_with_descriptors_is_accepted_and_they_are_closed() {
    // Each sender ends only after the monitor has closed the descriptor.
    let cli = CliLab::new(
        r#"
[bot.stores]
command = "BOT"
args = ["send_with_descriptor:FDSTORE=1+FDNAME=x", "send_with_descriptor:READY=1+FDSTORE=1", "send_with_descriptor:BARRIER=1", "touch:LAB/closed", "idle"]
ready = "notify"
"#,
    );
    cli.start();
    cli.until_is("stores", "running");
    cli.lab.wait_for("closed", EVENT_TIMEOUT, |_| true);
    // The next start sends it again, and the log does not repeat it.
    cli.ok(&["restart", "--wait", "stores"]);
    let said = "bot `stores` wants descriptors to be kept (FDSTORE=1): they are not kept, but closed";
    cli.shutdown();
    let log = cli.lab.read("m.log");
    assert_eq!(log.matches(said).count(), 1, "{log}");
}

/// Promise 6.40.
#[test]
fn bot_that_requests_more_time_has_it() {
    let lab = lab();
    let more = "send:EXTEND_TIMEOUT_USEC=20000000";
    start(
        &lab,
        &[
            &format!(
                r#"starts = {{ command = "BOT", args = ["{more}", "sleep:3500", "ready", "idle"], ready = "notify", ready_timeout = "3s", limit = {{ exits = 0, window = "1s" }} }}"#
            ),
            &format!(
                r#"stops = {{ command = "/bin/sh", args = ["-c", "trap 'BOT {more}; sleep 3.5; echo done > LAB/done; exit 0' TERM; BOT ready; while :; do sleep 0.1; done"], ready = "notify", stop = {{ signal = "TERM", timeout = "3s" }} }}"#
            ),
        ],
    );
    wait_for(&lab, "stops", "running");
    tell(&lab, "stop --wait=20s stops");
    assert_eq!((lines(&lab, "done", 1), number(&status(&lab, "stops"), "kill")), (vec!["done".to_owned()], 0));
    wait_for(&lab, "starts", "running");
    assert_eq!(number(&status(&lab, "starts"), "exit"), 0);
    stop(&lab);
}

/// Promise 6.40.
#[test]
fn requested_time_survives_a_reload() {
    let lab = lab();
    let bot = |limit: &str| {
        format!(
            r#"web = {{ command = "BOT", args = ["send:EXTEND_TIMEOUT_USEC=20000000", "append:LAB/said:x", "sleep:2500", "ready", "idle"], ready = "notify", ready_timeout = "1500ms", restart = "never", limit = {{ exits = {limit}, window = "1s" }} }}"#
        )
    };
    start(&lab, &[&bot("1")]);
    lines(&lab, "said", 1);
    // Its message was received before this is answered.
    ping(&lab);
    write_bots(&lab, &[&bot("2")]);
    assert!(tell(&lab, "reload").contains("limit"));
    wait_for(&lab, "web", "running");
    assert_eq!(number(&status(&lab, "web"), "exit"), 0);
    stop(&lab);
}
