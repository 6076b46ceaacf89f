//! What bots leave behind, and what they are given.

use std::time::{Duration, Instant};

use crate::common::{
    PIDFILE, SOON, foreground, lab, number, ping, process, size, start, start_program, status, stop, tell, wait_for,
    write_bots,
};
use look::Process;
use nix::sys::signal::Signal;

/// The children of a process that are zombies.
fn zombies(parent: Process) -> usize {
    let is_zombie =
        |process: &Process| process.stat().is_some_and(|stat| stat.parent == parent.id() && stat.state == 'Z');
    Process::all().filter(is_zombie).count()
}

#[test]
fn p6_03_orphans_are_reaped_and_no_status_is_stolen() {
    let lab = lab();
    let count = size(300, 10_000);
    let storm =
        format!(r#"storm = {{ command = "BOT", args = ["storm_of_children:{count}", "exit:5"], restart = "never" }}"#);
    let monitor = start(
        &lab,
        &[
            &storm,
            r#"loop = { command = "BOT", args = ["append:LAB/runs:x", "exit:7"], limit = { exits = 1000, window = "1s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 }, restart = "on-failure" }"#,
            r#"web = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    let (mut samples, mut seen, begin, mut slowest) = (0, 0, Instant::now(), Duration::ZERO);
    while !status(&lab, "storm").contains("\"failed\"") {
        samples += 1;
        let asked = Instant::now();
        ping(&lab);
        slowest = slowest.max(asked.elapsed());
        // One that dies while we look is reaped a moment later: it must not be there the next time.
        seen = if zombies(monitor) > 50 { seen + 1 } else { 0 };
        assert!(seen < 3, "zombies pile up");
        assert!(begin.elapsed().as_secs() < 300, "{}", status(&lab, "storm"));
    }
    assert!(slowest < Duration::from_secs(2), "a command took {slowest:?}");
    assert!(samples > 0 && status(&lab, "storm").contains("ended by status 5"), "{}", status(&lab, "storm"));
    // The status of each run arrived: all were failures, so it was always started again.
    let runs = status(&lab, "loop");
    assert!(number(&runs, "exit") > 1 && !runs.contains("\"exited\""), "{runs}");
    tell(&lab, "stop --wait=20s loop");
    lab.shell("sleep 0.2").run().ok();
    assert_eq!(zombies(monitor), 0);
    stop(&lab);
}

/// Promise 6.32. The monitor of this helper is a part of it, and the shell's children count as its own after `exec`.
#[test]
fn monitor_that_is_part_of_a_program_leaves_other_children_alone() {
    let lab = lab();
    let running =
        foreground(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#], "sleep 0.3 & exec $EMBEDDED run");
    let monitor = lab.daemon(PIDFILE);
    let begin = Instant::now();
    while zombies(monitor) == 0 {
        assert!(begin.elapsed() < SOON, "the child of the shell was reaped");
    }
    // Whatever the monitor reaps, it has reaped by then.
    tell(&lab, "restart --wait=20s web");
    assert_eq!(zombies(monitor), 1);
    monitor.signal(Signal::SIGTERM);
    running.finish();
}

/// Orphans faster than one can look at each, beside many bots that live: the dead do not pile up, and commands are answered.
#[test]
fn p6_03_a_flood_of_orphans_keeps_no_command_waiting() {
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
    // On a busy machine the floods may get ahead for a while, but not for good.
    while begin.elapsed() < time || (now >= 1000 && begin.elapsed() < time + SOON) {
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

#[test]
fn p4_10_bots_start_with_default_signals_and_nothing_open() {
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
            // What the helper itself sets (Rust ignores SIGPIPE).
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

/// A shell leaves SIGPIPE as it found it.
#[test]
fn p4_10_sigpipe_is_default_too() {
    let lab = lab();
    start(&lab, &[r#"cat = { command = "/bin/sleep", args = ["999"] }"#]);
    for set in ["SigBlk", "SigIgn", "SigCgt"] {
        let found = process(&lab, "cat").signals(set);
        assert!(found.is_empty(), "{set}: {found:?}");
    }
    stop(&lab);
}

/// The monitor's own limit is raised as far as it goes, that of its bots is what it was.
#[test]
fn bots_keep_the_limits_that_the_monitor_had() {
    let lab = lab();
    write_bots(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    lab.shell("ulimit -n 200 && ulimit -Sn 60 && exec $D -c m.toml start").run().ok();
    let monitor = lab.daemon(crate::common::PIDFILE).limit("Max open files").unwrap();
    assert!(monitor.soft == monitor.hard && monitor.soft >= Some(200), "{monitor:?}");
    let limit = process(&lab, "web").limit("Max open files").unwrap();
    assert_eq!((limit.soft, limit.hard), (Some(60), Some(200)));
    stop(&lab);
}

/// Between fork and exec nothing is allocated: in this monitor the allocator ends whoever tries in another process.
#[test]
fn p4_07_nothing_is_allocated_between_fork_and_exec() {
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

/// Bots are tied to the thread that made them, which lives as long as the monitor.
#[test]
fn p4_08_bots_outlive_whatever_threads_end() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"] }"#,
            r#"nobody = { command = "/bin/sleep", args = ["999"], user = "65534", group = "65534" }"#,
        ],
    );
    let (web, nobody) = (process(&lab, "web"), process(&lab, "nobody"));
    // Each command is a thread of the monitor that ends.
    for _ in 0..20 {
        tell(&lab, "restart --wait=10s web");
    }
    assert_eq!(process(&lab, "nobody"), nobody);
    assert!(!web.alive() && process(&lab, "web").alive());
    assert_eq!(number(&status(&lab, "nobody"), "exit"), 0);
    stop(&lab);
}

#[test]
fn what_a_bot_is_given_is_literal() {
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
