//! Stops of one bot, with all processes that it has started.

use std::time::{Duration, Instant};

use crate::common::{
    begin, lab, lines, nothing_left, number, ping, process, refused, start, start_program, state, status, stop, tell,
    wait_for, write_bots,
};
use look::Process;
use nix::sys::signal::Signal;

/// Returns all processes with the mark of a bot.
fn marked(lab: &look::Lab, bot: &str) -> Vec<Process> {
    let mark = format!("DAEMON_BOT={bot}");
    lab.processes().into_iter().filter(|process| process.environment().contains(&mark)).collect()
}

/// Promise 6.02.
#[test]
fn stop_ends_the_whole_process_tree() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"tree = { command = "/bin/sh", args = ["-c", 'setsid sleep 999 & sleep 999 & trap "" TERM; echo > LAB/up; wait'], stop = { signal = "TERM", timeout = "500ms" } }"#,
            r#"forest = { command = "BOT", args = ["escape:ignore:TERM,escape:idle,touch:LAB/deep,idle", "escape:idle", "spawn:idle", "touch:LAB/up2", "idle"], stop = { signal = "TERM", timeout = "500ms" } }"#,
            r#"other = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    for file in ["up", "up2", "deep"] {
        lab.wait_for(file, Duration::from_secs(20), |_| true);
    }
    let other = process(&lab, "other");
    assert!(marked(&lab, "tree").len() >= 3 && marked(&lab, "forest").len() >= 4, "{:?}", lab.processes());
    for bot in ["tree", "forest"] {
        let told = tell(&lab, &format!("stop --wait=20s {bot}"));
        assert!(told.contains("stopped"), "{told}");
        let left: Vec<_> = marked(&lab, bot).into_iter().map(|one| (one, one.arguments(), one.stat())).collect();
        assert!(left.is_empty(), "left of {bot}: {left:?}");
    }
    assert_eq!(process(&lab, "other"), other, "another bot was touched");
    stop(&lab);
}

/// Promise 6.02. Before Linux 6.9 a group is identified by its number, which the bot's zombie reserves until the group
/// is empty.
#[test]
fn process_group_keeps_its_number_on_old_kernels() {
    let lab = lab();
    let bots = [
        r#"tree = { command = "BOT", args = ["spawn:ignore:TERM,stamp:LAB/kids,idle", "escape:ignore:TERM,stamp:LAB/kids,idle", "idle"], stop = { signal = "TERM", timeout = "1500ms" } }"#,
        r#"short = { command = "BOT", args = ["spawn:ignore:TERM,stamp:LAB/shorts,idle", "sleep:300", "exit:3"], limit = { exits = 1, window = "60s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 }, stop = { signal = "TERM", timeout = "300ms" } }"#,
        r#"other = { command = "BOT", args = ["idle"] }"#,
    ];
    write_bots(&lab, &bots);
    let monitor = start_program(&lab, &["old-kernel"]);
    lines(&lab, "kids", 2);
    // Processes left in the group of a bot that exited are ended, and its status is known.
    let given_up = wait_for(&lab, "short", "gave-up");
    assert_eq!(number(&status(&lab, "short"), "exit"), 2, "{given_up}");
    let tree = process(&lab, "tree");
    begin(&lab, "stop tree");
    lab.shell("sleep 0.5").run().ok();
    let is_kept = tree.stat().is_some_and(|stat| stat.state == 'Z' && stat.parent == monitor.id());
    assert!(is_kept, "its number is free while others are in its group: {:?}", tree.stat());
    let told = tell(&lab, "stop --wait=20s tree");
    assert!(told.contains("stopped") && tree.stat().is_none(), "{told} {:?}", tree.stat());
    assert!(marked(&lab, "tree").is_empty() && marked(&lab, "short").is_empty(), "{:?}", lab.processes());
    tell(&lab, "restart --wait=20s other");
    stop(&lab);
}

/// Promise 6.02. A program that overwrote or cleared its environment is identified by its session.
#[test]
fn stop_ends_descendants_without_a_mark() {
    let lab = lab();
    // No other process sleeps for so long.
    let (member, stranger) = (format!("1{}", std::process::id()), format!("2{}", std::process::id()));
    let bot = format!(
        r#"bare = {{ command = "/bin/sh", args = ["-c", "env -i sleep {member} & env -i setsid sleep {stranger} & echo > LAB/up; exec sleep 997"] }}"#
    );
    start(&lab, &[&bot]);
    lab.wait_for("up", Duration::from_secs(20), |_| true);
    lab.shell("sleep 0.3").run().ok();
    let sleeper = |time: &str| Process::all().find(|process| process.alive() && process.arguments() == ["sleep", time]);
    let member = sleeper(&member).expect("it runs");
    tell(&lab, "stop --wait=20s bare");
    assert!(!member.alive(), "a member of its group has survived");
    // Neither mark nor session: the owner of this process is unknown. It ends with the monitor.
    let stranger = sleeper(&stranger).expect("it left everything behind");
    stop(&lab);
    assert!(!stranger.alive(), "a descendant without mark and session outlives the monitor");
}

#[test]
fn stop_sends_its_signals_in_order() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"stub = { command = "BOT", args = ["ignore:TERM", "ignore:INT", "touch:LAB/stub", "idle"], stop = [{ signal = "TERM", timeout = "300ms" }, { signal = "INT", timeout = "300ms" }] }"#,
            r#"second = { command = "BOT", args = ["ignore:TERM", "touch:LAB/second", "idle"], stop = [{ signal = "TERM", timeout = "300ms" }, { signal = "INT", timeout = "30s" }] }"#,
            r#"stopped = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    for file in ["stub", "second"] {
        lab.wait_for(file, Duration::from_secs(20), |_| true);
    }
    let begin = Instant::now();
    tell(&lab, "stop --wait=20s stub");
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(600) && took < Duration::from_secs(5), "took {took:?}");
    assert_eq!(number(&status(&lab, "stub"), "kill"), 1);
    tell(&lab, "stop --wait=20s second");
    assert_eq!(number(&status(&lab, "second"), "kill"), 0);
    // A suspended bot receives its SIGTERM.
    process(&lab, "stopped").signal(Signal::SIGSTOP);
    wait_for(&lab, "stopped", "suspended");
    let begin = Instant::now();
    tell(&lab, "stop --wait=20s stopped");
    assert!(begin.elapsed() < Duration::from_secs(5) && number(&status(&lab, "stopped"), "kill") == 0);
    stop(&lab);
}

#[test]
fn slow_stop_delays_no_other_command() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"slow = { command = "BOT", args = ["ignore:TERM", "touch:LAB/slow", "idle"], stop = { signal = "TERM", timeout = "2s" } }"#,
            r#"quick = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    lab.wait_for("slow", Duration::from_secs(20), |_| true);
    begin(&lab, "stop slow");
    let begin = Instant::now();
    for _ in 0..5 {
        tell(&lab, "restart --wait=10s quick");
        ping(&lab);
    }
    let took = begin.elapsed();
    assert_eq!(state(&lab, "slow"), "stopping", "the stop was over before anything else was asked; that took {took:?}");
    tell(&lab, "stop --wait=20s slow");
    assert_eq!(state(&lab, "slow"), "stopped");
    stop(&lab);
}

#[test]
fn start_during_a_stop_follows_it() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["ignore:TERM", "stamp:LAB/starts", "idle"], stop = { signal = "TERM", timeout = "500ms" } }"#,
        ],
    );
    lines(&lab, "starts", 1);
    let before = process(&lab, "web");
    begin(&lab, "stop web");
    assert!(tell(&lab, "start --wait=20s web").contains("running"));
    assert!(!before.alive() && process(&lab, "web") != before);
    // A later stop takes precedence.
    begin(&lab, "restart web");
    tell(&lab, "stop --wait=20s web");
    assert_eq!(state(&lab, "web"), "stopped");
    stop(&lab);
}

#[test]
fn wait_that_times_out_reports_it_and_the_stop_continues() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"slow = { command = "BOT", args = ["ignore:TERM", "touch:LAB/slow", "idle"], stop = { signal = "TERM", timeout = "1s" } }"#,
        ],
    );
    lab.wait_for("slow", Duration::from_secs(20), |_| true);
    let told = refused(&lab, "stop --wait=100ms slow");
    assert!(told.contains("not done within 100ms"), "{told}");
    wait_for(&lab, "slow", "stopped");
    stop(&lab);
}

#[test]
fn destroy_kills_at_once() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"stub = { command = "BOT", args = ["ignore:TERM", "escape:ignore:TERM,idle", "touch:LAB/stub", "idle"], stop = { signal = "TERM", timeout = "60s" } }"#,
        ],
    );
    lab.wait_for("stub", Duration::from_secs(20), |_| true);
    let begin = Instant::now();
    let told = tell(&lab, "destroy --wait=20s stub");
    assert!(told.contains("stub: stopped") && begin.elapsed() < Duration::from_secs(10), "{told}");
    assert!(marked(&lab, "stub").is_empty());
    // Also while it is stopping already.
    tell(&lab, "start --wait=20s stub");
    crate::common::begin(&lab, "stop stub");
    tell(&lab, "destroy --wait=20s stub");
    stop(&lab);
    nothing_left(&lab);
}

/// A thousand bots that end at their stop signal stop in little time, and leave nothing.
#[test]
fn thousand_bots_stop_quickly() {
    let lab = lab();
    let count = crate::common::size(200, 1000);
    let bots: Vec<String> = (0..count)
        .map(|number| format!(r#"b{number} = {{ command = "BOT", args = ["stamp:LAB/starts", "idle"] }}"#))
        .collect();
    let monitor = start(&lab, &bots.iter().map(String::as_str).collect::<Vec<_>>());
    lines(&lab, "starts", count);
    let begin = Instant::now();
    stop(&lab);
    println!("{count} bots stopped in {:?}", begin.elapsed());
    assert!(!monitor.alive());
}

/// A program may give a bot a longer timeout than any clock can represent.
#[test]
fn longest_timeouts_are_refused_or_kept() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    let century = 100_u64 * 365 * 86_400_000;
    let bot = |time: u64| {
        format!(
            r#"web = {{ command = "BOT", args = ["idle"], stop = [{{ signal = "INT", timeout = "{time}ms" }}, {{ signal = "TERM", timeout = "{time}ms" }}] }}"#
        )
    };
    crate::common::write_bots(&lab, &[&bot(century + 1)]);
    assert!(refused(&lab, "reload").contains("100 years"));
    crate::common::write_bots(&lab, &[&bot(century)]);
    tell(&lab, "reload");
    tell(&lab, "restart --wait=20s web");
    assert_eq!(state(&lab, "web"), "running");
    stop(&lab);
}
