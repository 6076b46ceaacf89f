//! Programs that daemonize themselves, and leave processes behind when they exit.

use look::Process;
use nix::sys::signal::Signal;

use crate::common::{lab, start, status, stop, tell, wait_for};

/// Exits, and leaves a process with neither the bot's secret nor its session.
const UNKNOWN: &str =
    "setsid env -i sh -c 'echo $$$$ > LAB/pid; exec sleep 1000' & while [ ! -s LAB/pid ]; do :; done; exit 0";

fn pid_in(text: &str) -> i32 {
    text.trim().parse().expect("a pid")
}

/// Promise 6.35. The process that it left is known, and ended: otherwise a second copy would run beside the next start.
#[test]
fn program_that_daemonizes_itself_is_reported() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"away = { command = "/bin/sh", args = ["-c", "setsid sleep 1000 & exit 0"], restart = "never" }"#,
            r#"again = { command = "/bin/sh", args = ["-c", "setsid sleep 1000 & exit 0"], limit = { exits = 1, window = "1s" } }"#,
            r#"fails = { command = "/bin/sh", args = ["-c", "setsid sleep 1000 & exit 1"], restart = "never" }"#,
            r#"clean = { command = "BOT", args = ["exit:0"], restart = "never" }"#,
        ],
    );
    for (bot, state, hinted) in
        [("away", "exited", true), ("again", "gave-up", true), ("fails", "failed", false), ("clean", "exited", false)]
    {
        wait_for(&lab, bot, state);
        let told = status(&lab, bot);
        assert_eq!(told.contains("have it stay in the foreground"), hinted, "{told}");
    }
    stop(&lab);
}

/// Promise 6.35. A process that cannot be assigned to the bot is not signalled, but reported.
#[test]
fn stop_reports_a_process_that_it_cannot_assign() {
    let lab = lab();
    // Another bot, which is unaffected.
    start(
        &lab,
        &[
            r#"idle = { command = "BOT", args = ["idle"] }"#,
            &format!(r#"away = {{ command = "/bin/sh", args = ["-c", "{UNKNOWN}"], restart = "never" }}"#),
        ],
    );
    wait_for(&lab, "away", "exited");
    let survivor = Process::new(pid_in(&lab.read("pid")));
    let says = format!("process {} lives on, which it may have started", survivor.id());
    let told = status(&lab, "away");
    assert!(told.contains(&says) && told.contains("have it stay in the foreground"), "{told}");
    let told = tell(&lab, "stop --wait=20s away");
    assert!(told.contains("away: stopped") && told.contains(&says), "{told}");
    let told = tell(&lab, "stop --wait=20s idle");
    assert!(told.contains("idle: stopped") && !told.contains("lives on"), "{told}");
    // The process is a child of the monitor, which reaps it without another message.
    survivor.signal(Signal::SIGKILL);
    survivor.died(crate::common::EVENT_TIMEOUT).expect("nothing survives that");
    let deadline = look::Deadline::after(crate::common::EVENT_TIMEOUT);
    while status(&lab, "away").contains("lives on") {
        assert!(!deadline.passed(), "{}", status(&lab, "away"));
    }
    stop(&lab);
}
