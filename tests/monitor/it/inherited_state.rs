//! Processes that bots leave behind, and state that they inherit.

use std::time::{Duration, Instant};

use crate::common::{
    EVENT_TIMEOUT, PIDFILE, foreground, lab, number, ping, process, size, start, start_program, status, stop, tell,
    wait_for, write_bots,
};
use look::Process;
use nix::sys::signal::Signal;

/// Returns the number of zombies among the children of a process.
fn zombies(parent: Process) -> usize {
    let is_zombie =
        |process: &Process| process.stat().is_some_and(|stat| stat.parent == parent.id() && stat.state == 'Z');
    Process::all().filter(is_zombie).count()
}

/// Promise 6.03.
#[test]
fn orphans_are_reaped_and_each_status_is_received() {
    let lab = lab();
    let count = size(300, 10_000);
    let wait = "until [ -e LAB/begin ]; do sleep 0.01; done";
    let storm = format!(
        r#"storm = {{ command = "sh", args = ["-c", "{wait}; exec BOT storm_of_children:{count} exit:5"], restart = "never" }}"#
    );
    let monitor = start(
        &lab,
        &[
            &storm,
            r#"loop = { command = "BOT", args = ["append:LAB/runs:x", "exit:7"], limit = { exits = 1000, window = "1s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 }, restart = "on-failure" }"#,
            r#"web = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    lab.write("begin", "");
    let (mut samples, mut seen, begin, mut slowest) = (0, 0, Instant::now(), Duration::ZERO);
    while !status(&lab, "storm").contains("\"failed\"") {
        samples += 1;
        let asked = Instant::now();
        ping(&lab);
        slowest = slowest.max(asked.elapsed());
        // A child that dies during the check is reaped a moment later: it must be gone at the next check.
        seen = if zombies(monitor) > 50 { seen + 1 } else { 0 };
        assert!(seen < 3, "zombies pile up");
        assert!(begin.elapsed().as_secs() < 300, "{}", status(&lab, "storm"));
    }
    assert!(slowest < Duration::from_secs(2), "a command took {slowest:?}");
    assert!(samples > 0 && status(&lab, "storm").contains("ended by status 5"), "{}", status(&lab, "storm"));
    // The status of each run was received: all failed, so the bot was restarted each time.
    let runs = status(&lab, "loop");
    assert!(number(&runs, "exit") > 1 && !runs.contains("\"exited\""), "{runs}");
    tell(&lab, "stop --wait=20s loop");
    lab.shell("sleep 0.2").run().ok();
    assert_eq!(zombies(monitor), 0);
    stop(&lab);
}

/// Promise 6.32. This helper contains its monitor, and after `exec` the shell's children count as its own.
#[test]
fn monitor_in_a_program_does_not_reap_other_children() {
    let lab = lab();
    let running =
        foreground(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#], "sleep 0.3 & exec $EMBEDDED run");
    let monitor = lab.daemon(PIDFILE);
    let begin = Instant::now();
    while zombies(monitor) == 0 {
        assert!(begin.elapsed() < EVENT_TIMEOUT, "the child of the shell was reaped");
    }
    // The monitor has reaped its children by then.
    tell(&lab, "restart --wait=20s web");
    assert_eq!(zombies(monitor), 1);
    monitor.signal(Signal::SIGTERM);
    running.finish();
}

/// Promise 6.03. Orphans are created faster than they can be inspected, beside many live bots: zombies do not
/// accumulate, and commands are answered.
#[test]
fn flood_of_orphans_delays_no_command() {
    let lab = lab();
    let crowd = format!(r#"crowd = {{ command = "BOT", args = ["idle"], instances = {} }}"#, size(200, 1000));
    let monitor = start(
        &lab,
        &[
            &crowd,
            r#"flood = { command = "/bin/sh", args = ["-c", "while :; do ( (:) & ); done"] }"#,
            r#"more = { command = "/bin/sh", args = ["-c", "while :; do ( (:) & ); done"] }"#,
        ],
    );
    let (begin, time) = (Instant::now(), Duration::from_secs(u64::try_from(size(3, 20)).unwrap()));
    let (mut slowest, mut most, mut now) = (Duration::ZERO, 0, 0);
    // On a busy machine the floods may be faster for a while, but not forever.
    while begin.elapsed() < time || (now >= 1000 && begin.elapsed() < time + EVENT_TIMEOUT) {
        let asked = Instant::now();
        ping(&lab);
        slowest = slowest.max(asked.elapsed());
        now = zombies(monitor);
        most = most.max(now);
    }
    println!("the slowest answer took {slowest:?}, at most {most} zombies, {now} at the end");
    assert!(slowest < Duration::from_secs(5) && now < 1000, "{slowest:?}, {now} zombies");
    stop(&lab);
}

/// Promise 4.10.
#[test]
fn bot_starts_with_default_signals_and_no_descriptors() {
    let lab = lab();
    write_bots(
        &lab,
        &[r#"web = { command = "BOT", args = ["idle"] }"#, r#"other = { command = "BOT", args = ["idle"] }"#],
    );
    let script =
        "exec 9</etc/passwd; exec env --ignore-signal=HUP,CHLD,TERM,PIPE --block-signal=USR1,TERM $D -c m.toml start";
    lab.shell(script).run().ok();
    lab.daemon(crate::common::PIDFILE);
    for bot in ["web", "other"] {
        let bot = process(&lab, bot);
        for set in ["SigBlk", "SigIgn", "SigPnd"] {
            // The helper itself ignores SIGPIPE, as Rust programs do.
            let found: Vec<i32> =
                bot.signals(set).into_iter().filter(|signal| *signal != Signal::SIGPIPE as i32).collect();
            assert!(found.is_empty(), "{set} of {bot:?}: {found:?}");
        }
        assert_eq!(bot.descriptors().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3]);
        let stat = bot.stat().unwrap();
        assert_eq!((stat.session, stat.group), (bot.id(), bot.id()));
    }
    stop(&lab);
}

/// Promise 4.10. A shell does not change SIGPIPE.
#[test]
fn bot_starts_with_default_sigpipe() {
    let lab = lab();
    start(&lab, &[r#"cat = { command = "/bin/sleep", args = ["999"] }"#]);
    for set in ["SigBlk", "SigIgn", "SigCgt"] {
        let found = process(&lab, "cat").signals(set);
        assert!(found.is_empty(), "{set}: {found:?}");
    }
    stop(&lab);
}

/// The monitor raises its own limit to the maximum, and restores the original one for its bots.
#[test]
fn bot_has_the_monitors_original_limits() {
    let lab = lab();
    write_bots(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    lab.shell("ulimit -n 200 && ulimit -Sn 60 && exec $D -c m.toml start").run().ok();
    let monitor = lab.daemon(crate::common::PIDFILE).limit("Max open files").unwrap();
    assert!(monitor.soft == monitor.hard && monitor.soft >= Some(200), "{monitor:?}");
    let limit = process(&lab, "web").limit("Max open files").unwrap();
    assert_eq!((limit.soft, limit.hard), (Some(60), Some(200)));
    stop(&lab);
}

/// Promise 4.07. In this monitor, the allocator ends any other process that allocates between fork and exec.
#[test]
fn spawner_allocates_nothing_between_fork_and_exec() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"] }"#,
            r#"nobody = { command = "/bin/sleep", args = ["999"], user = "65534", group = "65534", cwd = "/", umask = "077" }"#,
            r#"ghost = { command = "/nowhere/ghost", limit = { exits = 0, window = "1s" } }"#,
        ],
    );
    start_program(&lab, &["careful"]);
    wait_for(&lab, "ghost", "gave-up");
    assert!(process(&lab, "web").alive() && process(&lab, "nobody").alive());
    assert_eq!(lab.read("allocations"), "");
    stop(&lab);
}

/// Promise 4.08. Bots are tied to the thread that created them, which lives as long as the monitor.
#[test]
fn bot_outlives_threads_of_the_monitor() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"] }"#,
            r#"nobody = { command = "/bin/sleep", args = ["999"], user = "65534", group = "65534" }"#,
        ],
    );
    let (web, nobody) = (process(&lab, "web"), process(&lab, "nobody"));
    // Each command runs in a thread of the monitor that ends.
    for _ in 0..20 {
        tell(&lab, "restart --wait=10s web");
    }
    assert_eq!(process(&lab, "nobody"), nobody);
    assert!(!web.alive() && process(&lab, "web").alive());
    assert_eq!(number(&status(&lab, "nobody"), "exit"), 0);
    stop(&lab);
}

#[test]
fn arguments_of_a_bot_are_literal() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"args = { command = "/usr/bin/printf", args = ['%s|%s|%s\n', "$$(touch$$IFS/tmp/x)", "%h`id`", ";exit"], restart = "never" }"#,
            r#"gone = { command = "BOT", args = ["exit:0"], restart = "never" }"#,
        ],
    );
    wait_for(&lab, "args", "exited");
    assert_eq!(tell(&lab, "tail -n 5 args"), "$(touch$IFS/tmp/x)|%h`id`|;exit\n");
    assert!(!lab.path("x").exists());
    stop(&lab);
}
