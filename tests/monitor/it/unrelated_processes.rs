//! Processes that pretend to belong to a bot.

use std::time::{Duration, Instant};

use crate::common::{
    BOT, EVENT_TIMEOUT, environment, lab, lines, ping, process, start, start_again, state, status, stop, tell, wait_for,
};
use look::{Lab, Process, Running};
use nix::sys::signal::Signal;

/// Claims an environment of any length and content; sends READY=1 on request.
pub(crate) const STRANGER: &str = include_str!("stranger.py");

/// Runs as another user than the monitor's.
pub(crate) const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups";

/// More memory than a monitor of a few bots needs, in KiB; every claimed environment is larger.
pub(crate) const MUCH: u64 = 64 * 1024;

/// Runs a process with a claimed environment; returns once it has claimed the environment and sent its message.
pub(crate) fn stranger<'lab>(lab: &'lab Lab, prefix: &str, arguments: &str) -> Running<'lab> {
    let _ = std::fs::remove_file(lab.path("claimed"));
    let script = format!("exec {prefix} python3 -c \"$STRANGER\" {arguments} > claimed");
    let running = lab.shell(&script).env("STRANGER", STRANGER).within(Duration::from_secs(30)).spawn();
    lab.wait_for("claimed", EVENT_TIMEOUT, |text| text.ends_with("claimed\n"));
    running
}

/// Ends the process; returns `true` if it lived until then.
pub(crate) fn end(stranger: Running<'_>) -> bool {
    let lived = stranger.process().alive();
    stranger.signal(Signal::SIGKILL);
    stranger.finish();
    lived
}

/// Returns the peak memory of a process, in KiB.
pub(crate) fn peak(process: Process) -> u64 {
    let told = process.status("VmHWM").expect("it lives");
    told.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

/// Returns a variable of a process.
pub(crate) fn variable(process: Process, name: &str) -> String {
    let name = format!("{name}=");
    environment(process).iter().find_map(|line| line.strip_prefix(&name)).expect("it is set").to_owned()
}

/// Promise 6.18.
#[test]
fn start_reads_no_more_of_an_environment_than_execve_allows() {
    let lab = lab();
    let monitor = start(&lab, &[r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#]);
    lines(&lab, "starts", 1);
    // Without a journal, no environment is read at all.
    let strangers = [stranger(&lab, "", "128"), stranger(&lab, NOBODY, "128")];
    monitor.signal(Signal::SIGKILL);
    monitor.died(EVENT_TIMEOUT).unwrap();
    let monitor = start_again(&lab);
    lines(&lab, "starts", 2);
    assert!(peak(monitor) < MUCH, "{} KiB", peak(monitor));
    assert!(strangers.into_iter().all(end), "a stranger was ended");
    stop(&lab);
}

/// Promise 6.18.
#[test]
fn datagram_of_an_unrelated_process_reads_no_environment() {
    let lab = lab();
    let monitor = start(&lab, &[r#"web = { command = "BOT", args = ["idle"], ready = "notify" }"#]);
    wait_for(&lab, "web", "starting");
    let address = variable(process_of(&lab, "web"), "NOTIFY_SOCKET");
    for prefix in ["", NOBODY] {
        let stranger = stranger(&lab, prefix, &format!("128 ready={address} DAEMON_MONITOR_ID=x DAEMON_BOT=web"));
        // The monitor receives the datagram while its sender lives.
        ping(&lab);
        assert!(end(stranger));
        assert!(peak(monitor) < MUCH, "{} KiB", peak(monitor));
        assert_eq!(state(&lab, "web"), "starting", "a stranger has spoken for it");
    }
    stop(&lab);
}

/// Returns the process of a bot that is not ready.
pub(crate) fn process_of(lab: &Lab, bot: &str) -> Process {
    let status = status(lab, bot);
    Process::new(i32::try_from(crate::common::number(&status, "pid")).unwrap())
}

/// Promise 6.19.
#[test]
fn forged_marks_neither_delay_nor_refuse_a_start() {
    let lab = lab();
    let monitor = start(&lab, &[r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#]);
    lines(&lab, "starts", 1);
    let all = environment(process(&lab, "web"));
    // All variables of a bot except for the secrets.
    let zeros = "0".repeat(32);
    let marks: Vec<String> = all.iter().filter(|line| line.starts_with("DAEMON_")).cloned().collect();
    let forged: Vec<String> = marks
        .iter()
        .map(|line| match line.split_once('=') {
            Some((name @ ("DAEMON_MONITOR_ID" | "DAEMON_BOT_SECRET"), _)) => format!("{name}={zeros}"),
            _ => line.clone(),
        })
        .collect();
    assert_ne!(forged, marks);
    let strangers = ["", NOBODY].map(|prefix| stranger(&lab, prefix, &format!("1 {}", forged.join(" "))));
    monitor.signal(Signal::SIGKILL);
    monitor.died(EVENT_TIMEOUT).unwrap();
    let begin = Instant::now();
    start_again(&lab);
    let took = begin.elapsed();
    // A process of an earlier bot that does not end has 10 seconds: these are not taken for such processes.
    assert!(took < Duration::from_secs(8), "it was waited for, {took:?}\n{}", lab.read("m.log"));
    lines(&lab, "starts", 2);
    assert!(strangers.into_iter().all(end), "a stranger was ended");
    stop(&lab);
}

/// Promise 6.19. The right secret does not make another user's process a process of the bot.
#[test]
fn ready_of_another_user_with_the_secret_is_rejected() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"], ready = "notify" }"#]);
    wait_for(&lab, "web", "starting");
    let web = process_of(&lab, "web");
    let marks: Vec<String> = environment(web).into_iter().filter(|line| line.starts_with("DAEMON_")).collect();
    let address = variable(web, "NOTIFY_SOCKET");
    let arguments = format!("1 ready={address} {}", marks.join(" "));
    let other = stranger(&lab, NOBODY, &arguments);
    ping(&lab);
    assert_eq!(state(&lab, "web"), "starting", "another user has spoken for it");
    assert!(end(other));
    // A process of the bot's own user that knows the secret cannot be distinguished from a descendant.
    let descendant = stranger(&lab, "", &arguments);
    wait_for(&lab, "web", "running");
    assert!(end(descendant));
    stop(&lab);
}

/// Promise 6.19. A bot that gives its children the name of another bot ends them itself, and delays no other stop.
#[test]
fn forged_mark_of_a_sibling_does_not_delay_its_stop() {
    let lab = lab();
    // The children ignore SIGTERM, and are in sessions of their own.
    let impostor = format!("env DAEMON_BOT=victim setsid {BOT} ignore:TERM stamp:LAB/kids idle kid & exec sleep 999");
    start(
        &lab,
        &[
            r#"victim = { command = "BOT", args = ["idle"], stop = { signal = "TERM", timeout = "60s" } }"#,
            &format!(
                r#"impostor = {{ command = "/bin/sh", args = ["-c", "({impostor}) & exec sleep 999"], stop = {{ signal = "TERM", timeout = "200ms" }} }}"#
            ),
        ],
    );
    lines(&lab, "kids", 1);
    let kid = |one: &Process| one.arguments().last().is_some_and(|last| last == "kid");
    let kid = lab.processes().into_iter().find(kid).expect("it runs");
    let told = tell(&lab, "stop --wait=20s victim");
    assert!(told.contains("victim: stopped"), "{told}");
    assert!(kid.alive(), "the child of another bot was killed");
    tell(&lab, "stop --wait=20s impostor");
    assert!(!kid.alive(), "it is the child of the bot whose secret it has");
    stop(&lab);
}
