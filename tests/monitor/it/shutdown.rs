//! The end of the monitor.

use std::time::{Duration, Instant};

use crate::common::{
    BOT, SOON, lab, lines, nothing_left, process, start, start_again, stop, tell, wait_for, with_own_mounts, write_bots,
};
use look::Process;
use nix::sys::signal::Signal;

#[test]
fn p6_12_dependents_are_stopped_first() {
    let lab = lab();
    start(
        &lab,
        &[
            "a depends=b,c : sh trap 'sleep 0.3; echo a >> LAB/ends; exit' TERM; while :; do sleep 0.02; done",
            "b depends=d : sh trap 'sleep 0.2; echo b >> LAB/ends; exit' TERM; while :; do sleep 0.02; done",
            "c depends=d : sh trap 'sleep 0.1; echo c >> LAB/ends; exit' TERM; while :; do sleep 0.02; done",
            "d : sh trap 'echo d >> LAB/ends; exit' TERM; while :; do sleep 0.02; done",
        ],
    );
    wait_for(&lab, "a", "running");
    lab.shell("sleep 0.3").run().ok();
    stop(&lab);
    assert_eq!(lab.read("ends"), "a\nc\nb\nd\n");
}

#[test]
fn p6_12_the_total_time_is_kept() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            "a depends=b stop=TERM:60000 : BOT ignore:TERM stamp:LAB/up idle",
            "b stop=TERM:60000 : BOT ignore:TERM stamp:LAB/up idle",
        ],
    );
    start_again(&lab, &["stop_timeout=700"]);
    lines(&lab, "up", 2);
    let begin = Instant::now();
    stop(&lab);
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(700) && took < Duration::from_secs(10), "took {took:?}");
}

#[test]
fn p6_12_a_second_stop_kills() {
    let lab = lab();
    let monitor = start(&lab, &["a stop=TERM:60000 : BOT ignore:TERM stamp:LAB/up idle"]);
    lines(&lab, "up", 1);
    monitor.signal(Signal::SIGTERM);
    wait_for(&lab, "a", "stopping");
    // What comes within half a second is one stop.
    lab.shell("sleep 0.7").run().ok();
    let begin = Instant::now();
    monitor.signal(Signal::SIGTERM);
    monitor.died(SOON).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10));
    nothing_left(&lab);
}

#[test]
fn p6_12_a_second_shutdown_command_kills() {
    let lab = lab();
    let monitor = start(&lab, &["a stop=TERM:60000 : BOT ignore:TERM stamp:LAB/up idle"]);
    lines(&lab, "up", 1);
    tell(&lab, "shutdown");
    wait_for(&lab, "a", "stopping");
    let _ = lab.run(&["tell", "shutdown 10000"]);
    monitor.died(SOON).unwrap();
    nothing_left(&lab);
}

/// The pidfile, the journal and the log are on a disk that is full, and no descriptor is left.
#[test]
fn p6_12_a_shutdown_works_with_a_full_disk_and_no_descriptors() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            "web log=LAB/full/web.log : sh while sleep 0.01; do printf '%01000d\\n' 1; done",
            "tree : sh setsid sleep 999 & sleep 999",
            "stub stop=TERM:300 : BOT ignore:TERM escape:ignore:TERM,idle touch:LAB/up idle",
        ],
    );
    let script = "mkdir full && mount -t tmpfs -o size=64k none full && cp bots full/ && cd full || exit 9
        $D foreground & M=$!
        for i in $(seq 200); do $D tell status web | grep -q 'lost=[1-9]' && [ -e ../up ] && break; sleep 0.1; done
        $D tell status
        $D tell exhaust
        kill -TERM $M; wait $M; echo ended $?; ls";
    let ended = with_own_mounts(&lab, script).run().ok();
    assert!(ended.stdout.contains("lost=") && ended.stdout.contains("ended 0"), "{ended}");
    let left: Vec<&str> = ended.stdout.lines().skip_while(|line| !line.starts_with("ended")).skip(1).collect();
    assert!(!left.contains(&"m.pid") && !left.contains(&"m.journal"), "left behind: {left:?}");
    nothing_left(&lab);
}

/// What bots have left behind without mark and session ends with the monitor, also what hears no other signal, or has
/// children of its own.
#[test]
fn p6_02_nothing_outside_outlives_the_monitor() {
    let lab = lab();
    let bot = format!(
        "bare : sh cd LAB; env -i setsid {BOT} ignore:TERM stamp:strangers spawn:ignore:TERM,stamp:strangers,idle idle & exec sleep 997"
    );
    start(&lab, &[&bot]);
    let strangers: Vec<Process> = lines(&lab, "strangers", 2)
        .iter()
        .map(|line| Process::new(line.split(' ').next().unwrap().parse().unwrap()))
        .collect();
    tell(&lab, "stop bare 20000");
    assert!(strangers.iter().all(|stranger| stranger.alive()), "they were found after all: {strangers:?}");
    stop(&lab);
    assert!(!strangers.iter().any(|stranger| stranger.alive()), "left behind: {strangers:?}");
}

#[test]
fn p6_14_there_is_one_monitor_of_a_pidfile() {
    let lab = lab();
    let monitor = start(&lab, &["web : BOT stamp:LAB/starts idle"]);
    lines(&lab, "starts", 1);
    let second = lab.helper(&["start"]).run().exits(1);
    second.says(&["already running as pid"]);
    assert!(monitor.alive());
    assert_eq!(lab.read("starts").lines().count(), 1, "the second monitor has started its bots");
    let web = process(&lab, "web");
    assert!(web.alive());
    stop(&lab);
}
