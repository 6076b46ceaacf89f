//! Restart policies: restarts, backoff and limits of bots that exit by themselves.

use std::thread;
use std::time::{Duration, Instant};

use crate::common::{
    BOT, EVENT_TIMEOUT, ctl, lab, lines, number, process, start, start_program, state, status, stop, time_left,
    wait_for, write_bots,
};
use look::Deadline;
use nix::sys::signal::Signal;

/// Promise 6.01.
#[test]
fn crash_loop_is_bounded_and_given_up() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"loop = { command = "BOT", args = ["append:LAB/starts:x", "exit:1"], limit = { exits = 5, window = "1h" }, backoff = { first = "1ms", cap = "1ms", jitter = 0.0 } }"#,
        ],
    );
    start_program(&lab, &[]);
    let told = wait_for(&lab, "loop", "gave-up");
    assert!(told.contains("ended 6 times") && told.contains("status 1"), "no reason: {told}");
    assert_eq!(lab.read("starts").lines().count(), 6);
    let status = status(&lab, "loop");
    assert_eq!((number(&status, "exit"), number(&status, "start"), number(&status, "exits")), (6, 6, 6), "{status}");
    assert!(time_left(&lab, "loop") > Duration::from_secs(3500), "when it may run again is not told: {status}");
    // A bot that was given up stays so until it is started.
    let _ = ctl(&lab, "start --wait=0s loop").run();
    wait_for(&lab, "loop", "gave-up");
    assert_eq!(lines(&lab, "starts", 12).len(), 12);
    stop(&lab);
}

/// Promise 6.01.
#[test]
fn missing_program_counts_as_a_crash() {
    let lab = lab();
    start(&lab, &[r#"ghost = { command = "/nowhere/ghost", backoff = { first = "1ms", cap = "1ms", jitter = 0.0 } }"#]);
    let told = wait_for(&lab, "ghost", "gave-up");
    assert!(told.contains("failed to execute `/nowhere/ghost`: no such file or directory"), "no reason: {told}");
    stop(&lab);
}

/// Promise 6.01.
#[test]
fn backoff_increases_the_time_between_starts() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"loop = { command = "BOT", args = ["stamp:LAB/starts", "exit:1"], limit = { exits = 100, window = "1h" }, backoff = { first = "300ms", cap = "300ms", jitter = 0.0 } }"#,
        ],
    );
    let starts: Vec<u64> =
        lines(&lab, "starts", 4).iter().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    // The first restart happens at once.
    assert!(starts[1] - starts[0] < 250_000_000, "{starts:?}");
    assert!(starts[2] - starts[1] >= 300_000_000 && starts[3] - starts[2] >= 300_000_000, "{starts:?}");
    assert!(wait_for(&lab, "loop", "backing-off").contains("ended by status 1"));
    stop(&lab);
}

/// A death is noticed at once: within 5 ms on a quiet machine, which is not required here.
#[test]
fn killed_bot_is_restarted_at_once() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"], limit = { exits = 1000, window = "1h" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 } }"#,
        ],
    );
    lines(&lab, "starts", 1);
    let mut took = Vec::new();
    for count in 2..12 {
        let web = process(&lab, "web");
        let killed = look::now();
        web.signal(Signal::SIGKILL);
        let starts = lines(&lab, "starts", count);
        let started: u64 = starts[count - 1].split(' ').nth(1).unwrap().parse().unwrap();
        took.push(Duration::from_nanos(started).saturating_sub(killed));
    }
    took.sort();
    assert!(took[0] < Duration::from_millis(50), "restarts took {took:?}");
    stop(&lab);
}

#[test]
fn exit_is_followed_by_the_restart_policy() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"never = { command = "BOT", args = ["exit:3"], restart = "never" }"#,
            r#"success = { command = "BOT", args = ["exit:0"], restart = "on-failure" }"#,
            r#"failure = { command = "BOT", args = ["exit:7"], restart = "on-failure", limit = { exits = 2, window = "1h" }, backoff = { first = "1ms", cap = "1ms", jitter = 0.0 } }"#,
            r#"killed = { command = "/bin/sh", args = ["-c", "kill -KILL $$$$"], restart = "never" }"#,
        ],
    );
    assert!(wait_for(&lab, "never", "failed").contains("ended by status 3"));
    assert!(wait_for(&lab, "success", "exited").contains("ended by status 0"));
    assert!(wait_for(&lab, "failure", "gave-up").contains("ended 3 times"));
    assert!(wait_for(&lab, "killed", "failed").contains("ended by SIGKILL"));
    stop(&lab);
}

/// Processes left in the group of a bot that exited would be a second copy beside the next one.
#[test]
fn process_group_of_a_crash_is_ended_before_the_restart() {
    let lab = lab();
    let bot = format!(
        r#"web = {{ command = "BOT", args = ["stamp:LAB/starts", "spawn:append:{}/kids:x,idle", "idle"], limit = {{ exits = 1000, window = "1h" }}, backoff = {{ first = "0s", cap = "0s", jitter = 0.0 }} }}"#,
        lab.directory().display()
    );
    start(&lab, &[&bot]);
    lines(&lab, "kids", 1);
    process(&lab, "web").signal(Signal::SIGKILL);
    lines(&lab, "kids", 2);
    let running =
        || lab.processes().iter().filter(|one| one.arguments().first().is_some_and(|name| name == BOT)).count();
    let deadline = Instant::now() + EVENT_TIMEOUT;
    // The child writes before its parent has exited.
    while running() > 2 && Instant::now() < deadline {
        look::first_death(
            &lab.processes().iter().map(|one| one.id()).collect::<Vec<_>>(),
            Deadline::after(Duration::from_millis(50)),
        )
        .ok();
    }
    assert_eq!(running(), 2, "{:?}", lab.processes());
    assert_eq!(state(&lab, "web"), "running");
    stop(&lab);
}

/// A program that moves into the background would run once more with every restart.
#[test]
fn escaped_processes_are_ended_before_the_restart() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["escape:stamp:LAB/kids,idle,kid", "sleep:300", "exit:0"], limit = { exits = 2, window = "1h" }, backoff = { first = "1ms", cap = "1ms", jitter = 0.0 } }"#,
            r#"other = { command = "BOT", args = ["escape:idle,kept", "idle"] }"#,
        ],
    );
    wait_for(&lab, "web", "gave-up");
    assert_eq!(lab.read("kids").lines().count(), 3);
    let left =
        |word: &str| lab.processes().iter().filter(|one| one.arguments().iter().any(|other| other == word)).count();
    assert_eq!((left("kid"), left("kept")), (0, 1), "{:?}", lab.processes());
    stop(&lab);
}

/// No timer ticks: an idle monitor uses no CPU time.
#[test]
fn idle_monitor_uses_no_cpu() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"a = { command = "BOT", args = ["idle"] }"#,
            r#"b = { command = "BOT", args = ["exit:0"], ready = "exit", restart = "never" }"#,
            r#"c = { command = "BOT", args = ["exit:1"], restart = "never" }"#,
        ],
    );
    lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.contains("ended by status 1"));
    // Voluntary and involuntary context switches of all threads: each is a wake-up.
    let wakes = || -> u64 {
        let counted = monitor.threads().into_iter().map(|thread| {
            let count = |name: &str| thread.status(name).and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
            count("voluntary_ctxt_switches") + count("nonvoluntary_ctxt_switches")
        });
        counted.sum()
    };
    // The endpoint is active for some seconds after a connection; then it is idle.
    let deadline = Deadline::after(EVENT_TIMEOUT);
    loop {
        let before = wakes();
        thread::sleep(Duration::from_secs(2));
        if wakes() == before {
            break;
        }
        assert!(!deadline.passed(), "an idle monitor does not come to rest");
    }
    stop(&lab);
}
