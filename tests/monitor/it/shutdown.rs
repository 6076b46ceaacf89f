//! The shutdown of the monitor.

use std::time::{Duration, Instant};

use crate::common::{
    BOT, EVENT_TIMEOUT, configure, ctl, lab, lines, nothing_left, process, start, start_again, stop, tell, wait_for,
    with_own_mounts, write_bots,
};
use look::Process;
use nix::sys::signal::Signal;

/// Promise 6.12.
#[test]
fn shutdown_stops_dependents_first() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"a = { command = "/bin/sh", args = ["-c", "trap 'sleep 0.3; echo a >> LAB/ends; exit' TERM; while :; do sleep 0.02; done"], depends_on = ["b", "c"] }"#,
            r#"b = { command = "/bin/sh", args = ["-c", "trap 'sleep 0.2; echo b >> LAB/ends; exit' TERM; while :; do sleep 0.02; done"], depends_on = ["d"] }"#,
            r#"c = { command = "/bin/sh", args = ["-c", "trap 'sleep 0.1; echo c >> LAB/ends; exit' TERM; while :; do sleep 0.02; done"], depends_on = ["d"] }"#,
            r#"d = { command = "/bin/sh", args = ["-c", "trap 'echo d >> LAB/ends; exit' TERM; while :; do sleep 0.02; done"] }"#,
        ],
    );
    wait_for(&lab, "a", "running");
    lab.shell("sleep 0.3").run().ok();
    stop(&lab);
    assert_eq!(lab.read("ends"), "a\nc\nb\nd\n");
}

/// Promise 6.12.
#[test]
fn shutdown_keeps_its_total_time() {
    let lab = lab();
    configure(
        &lab,
        "stop_timeout = \"700ms\"",
        &[
            r#"a = { command = "BOT", args = ["ignore:TERM", "stamp:LAB/up", "idle"], depends_on = ["b"], stop = { signal = "TERM", timeout = "60s" } }"#,
            r#"b = { command = "BOT", args = ["ignore:TERM", "stamp:LAB/up", "idle"], stop = { signal = "TERM", timeout = "60s" } }"#,
        ],
    );
    start_again(&lab);
    lines(&lab, "up", 2);
    let begin = Instant::now();
    stop(&lab);
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(700) && took < Duration::from_secs(10), "took {took:?}");
}

/// Promise 6.12.
#[test]
fn second_stop_signal_kills() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"a = { command = "BOT", args = ["ignore:TERM", "stamp:LAB/up", "idle"], stop = { signal = "TERM", timeout = "60s" } }"#,
        ],
    );
    lines(&lab, "up", 1);
    monitor.signal(Signal::SIGTERM);
    wait_for(&lab, "a", "stopping");
    // Requests within half a second count as one stop.
    lab.shell("sleep 0.7").run().ok();
    let begin = Instant::now();
    monitor.signal(Signal::SIGTERM);
    monitor.died(EVENT_TIMEOUT).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10));
    nothing_left(&lab);
}

/// Promise 6.12.
#[test]
fn second_shutdown_command_kills() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"a = { command = "BOT", args = ["ignore:TERM", "stamp:LAB/up", "idle"], stop = { signal = "TERM", timeout = "60s" } }"#,
        ],
    );
    lines(&lab, "up", 1);
    tell(&lab, "shutdown --wait=0s");
    wait_for(&lab, "a", "stopping");
    let _ = ctl(&lab, "shutdown --wait=10s").run();
    monitor.died(EVENT_TIMEOUT).unwrap();
    nothing_left(&lab);
}

/// Promise 6.12. The pidfile, the journal and the log are on a full disk, and all but two descriptors are in use.
#[test]
fn shutdown_works_with_full_disk_and_no_descriptors() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", '''while sleep 0.01; do printf '%01000d\n' 1; done'''], stdout = "LAB/full/web.log" }"#,
            r#"tree = { command = "/bin/sh", args = ["-c", "setsid sleep 999 & sleep 999"] }"#,
            r#"stub = { command = "BOT", args = ["ignore:TERM", "escape:ignore:TERM,idle", "touch:LAB/up", "idle"], stop = { signal = "TERM", timeout = "300ms" } }"#,
        ],
    );
    let script = "mkdir full && mount -t tmpfs -o size=64k none full && cp m.toml full/ && cd full || exit 9
        $D -c m.toml run & M=$!
        for i in $(seq 200); do $D -c m.toml --json status web | grep -qE 'dropped.: ?[1-9]' && [ -e ../up ] && break; sleep 0.1; done
        n=0; left=0; until [ $left = 3 ]; do [ -e /proc/$M/fd/$n ] || left=$((left + 1)); n=$((n + 1)); done
        prlimit --pid $M --nofile=$((n - 1)): && echo limited to $((n - 1))
        kill -TERM $M; wait $M; echo ended $?; ls";
    let ended = with_own_mounts(&lab, script).run().ok();
    assert!(ended.stdout.contains("limited to ") && ended.stdout.contains("ended 0"), "{ended}");
    let left: Vec<&str> = ended.stdout.lines().skip_while(|line| !line.starts_with("ended")).skip(1).collect();
    assert!(!left.contains(&"m.pid") && !left.contains(&"m.journal"), "left behind: {left:?}");
    nothing_left(&lab);
}

/// Promise 6.02. Processes that bots have left without mark and session end with the monitor, including processes that
/// ignore other signals, or have children of their own.
#[test]
fn escaped_processes_end_with_the_monitor() {
    let lab = lab();
    let bot = format!(
        r#"bare = {{ command = "/bin/sh", args = ["-c", "cd LAB; env -i setsid {BOT} ignore:TERM stamp:strangers spawn:ignore:TERM,stamp:strangers,idle idle & exec sleep 997"] }}"#
    );
    start(&lab, &[&bot]);
    let strangers: Vec<Process> = lines(&lab, "strangers", 2)
        .iter()
        .map(|line| Process::new(line.split(' ').next().unwrap().parse().unwrap()))
        .collect();
    tell(&lab, "stop --wait=20s bare");
    assert!(strangers.iter().all(|stranger| stranger.alive()), "they were found after all: {strangers:?}");
    stop(&lab);
    assert!(!strangers.iter().any(|stranger| stranger.alive()), "left behind: {strangers:?}");
}

/// Promise 6.14.
#[test]
fn second_monitor_of_a_pidfile_is_refused() {
    let lab = lab();
    let monitor = start(&lab, &[r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#]);
    lines(&lab, "starts", 1);
    let second = ctl(&lab, "run").run().exits(1);
    second.says(&["already running as pid"]);
    assert!(monitor.alive());
    assert_eq!(lab.read("starts").lines().count(), 1, "the second monitor has started its bots");
    let web = process(&lab, "web");
    assert!(web.alive());
    stop(&lab);
}
