//! Starts that hang: on the mount of the program, on a directory, or on the name service.

use std::time::{Duration, Instant};

use crate::common::{
    EVENT_TIMEOUT, PIDFILE, begin, ctl, foreground, lab, lines, nothing_left, number, process, refused, start,
    start_again, start_program, state, states, status, stop, tell, wait_for, write_bots,
};
use crate::hung_mount::HungFile;
use crate::hung_processes::{
    UNAFFECTED_BOTS, install_bot, monitor_responds, pending_child, pending_children, start_hung, wait_for_pending,
};
use look::{Deadline, Process};
use nix::sys::signal::Signal;

/// Returns the threads of the monitor that have children, by `/proc/PID/task/TID/children`.
fn parents(monitor: Process) -> Vec<Process> {
    let has_children = |thread: &Process| {
        let path = format!("/proc/{}/task/{}/children", monitor.id(), thread.id());
        std::fs::read_to_string(path).is_ok_and(|children| !children.is_empty())
    };
    monitor.threads().into_iter().filter(has_children).collect()
}

/// More than any number of threads that a monitor would have for starts.
const MANY: usize = 70;

/// Promise 6.11.
#[test]
fn start_on_hung_program_does_not_block_others() {
    let lab = lab();
    install_bot(&lab, "slow");
    let monitor = start(
        &lab,
        &[
            r#"hung = { command = "LAB/slow", args = ["stamp:LAB/starts", "idle"], autostart = false }"#,
            UNAFFECTED_BOTS[0],
            UNAFFECTED_BOTS[1],
        ],
    );
    let held = HungFile::file(&lab, "slow");
    start_hung(&lab, "hung");
    let hangs = pending_child(monitor);
    // No descriptor of the monitor or of other bots: only its streams, and the pipe on which it reports its failure.
    assert_eq!(hangs.descriptors().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    monitor_responds(&lab);
    assert_eq!(process(&lab, "web").descriptors().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(pending_child(monitor), hangs);
    assert_eq!(state(&lab, "hung"), "starting");
    // One thread has forked all of them, though one start hangs: PR_SET_PDEATHSIG kills children when that thread
    // exits.
    assert_eq!(parents(monitor).len(), 1);
    // Once the mount answers, the start completes.
    held.release();
    wait_for(&lab, "hung", "running");
    assert_eq!(process(&lab, "hung"), hangs);
    lines(&lab, "starts", 1);
    assert_eq!(hangs.descriptors().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(lab.read("m.journal").lines().any(|line| line.starts_with(&format!("+ {} ", hangs.id()))));
    // The bot is supervised like any other.
    monitor_responds(&lab);
    assert!(hangs.alive());
    hangs.signal(Signal::SIGKILL);
    lines(&lab, "starts", 2);
    assert_eq!(number(&status(&lab, "hung"), "exit"), 1);
    stop(&lab);
}

/// Promises 6.11, 6.03. Every way to end a bot ends a start that hangs, at once; the status of a killed one is not
/// lost.
#[test]
fn hung_start_can_be_stopped() {
    ends_a_start_that_hangs(&[]);
}

/// Promise 6.11. The kernel identifies groups by their numbers only.
#[test]
fn hung_start_can_be_stopped_on_an_old_kernel() {
    ends_a_start_that_hangs(&["old-kernel"]);
}

fn ends_a_start_that_hangs(settings: &[&str]) {
    let lab = lab();
    install_bot(&lab, "slow");
    let hung = r#"hung = { command = "LAB/slow", args = ["stamp:LAB/starts", "idle"], autostart = false, stop = { signal = "TERM", timeout = "60s" } }"#;
    let victim = r#"victim = { command = "LAB/slow", args = ["idle"], autostart = false, limit = { exits = 0, window = "1s" } }"#;
    write_bots(&lab, &[hung, victim, UNAFFECTED_BOTS[0], UNAFFECTED_BOTS[1]]);
    let monitor = if settings.is_empty() { start_again(&lab) } else { start_program(&lab, settings) };
    let held = HungFile::file(&lab, "slow");
    for end in ["stop --wait=20s hung", "destroy --wait=20s hung"] {
        start_hung(&lab, "hung");
        let hangs = pending_child(monitor);
        let told = tell(&lab, end);
        assert!(told.contains("hung: stopped") && !hangs.alive(), "{end}: {told}");
        assert_eq!(pending_children(monitor), []);
    }
    // A start that another process kills has ended like any other.
    start_hung(&lab, "victim");
    pending_child(monitor).signal(Signal::SIGKILL);
    let told = wait_for(&lab, "victim", "gave-up");
    assert!(told.contains("by SIGKILL") && number(&told, "start") == 1, "{told}");
    // A restart is another start, which hangs too.
    start_hung(&lab, "hung");
    let hangs = pending_child(monitor);
    begin(&lab, "restart hung");
    hangs.died(EVENT_TIMEOUT).unwrap();
    wait_for(&lab, "hung", "starting");
    let hangs = pending_child(monitor);
    // A change of its policy does not affect the start.
    write_bots(
        &lab,
        &[
            &hung.replace("autostart", "limit = { exits = 9, window = \"1s\" }, autostart"),
            UNAFFECTED_BOTS[0],
            UNAFFECTED_BOTS[1],
        ],
    );
    tell(&lab, "reload");
    assert_eq!((state(&lab, "hung"), pending_child(monitor)), ("starting".to_owned(), hangs));
    // Another specification requires another start.
    write_bots(&lab, &[&hung.replace("\"stamp:", "\"print:new\", \"stamp:"), UNAFFECTED_BOTS[0], UNAFFECTED_BOTS[1]]);
    tell(&lab, "reload");
    hangs.died(EVENT_TIMEOUT).unwrap();
    wait_for(&lab, "hung", "starting");
    let hangs = pending_child(monitor);
    write_bots(&lab, &UNAFFECTED_BOTS);
    tell(&lab, "reload");
    hangs.died(EVENT_TIMEOUT).unwrap();
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while states(&lab).iter().any(|(name, _)| name == "hung") {
        assert!(!deadline.passed(), "it was not removed");
    }
    refused(&lab, "start hung");
    monitor_responds(&lab);
    held.release();
    write_bots(&lab, &[hung, UNAFFECTED_BOTS[0], UNAFFECTED_BOTS[1]]);
    tell(&lab, "reload");
    tell(&lab, "start --wait=20s hung");
    assert_eq!(lines(&lab, "starts", 1).len(), 1, "a start that was ended has run after all");
    stop(&lab);
}

/// Promise 6.11. A directory on a dead mount, a program that hangs, and many of them at once.
#[test]
fn many_hung_starts_do_not_block_other_bots() {
    let lab = lab();
    install_bot(&lab, "slow");
    let dead = HungFile::mount(&lab, "mount");
    let gone = r#"gone = { command = "BOT", args = ["idle"], limit = { exits = 0, window = "1s" }, autostart = false, cwd = "LAB/mount" }"#;
    let nobody = r#"nobody = { command = "/bin/sleep", args = ["999"], limit = { exits = 0, window = "1s" }, autostart = false, user = "65534", group = "65534", cwd = "LAB/mount" }"#;
    let hung = format!(
        r#"hung = {{ command = "LAB/slow", args = ["stamp:LAB/starts", "idle"], instances = {MANY}, autostart = false }}"#
    );
    write_bots(&lab, &[gone, nobody, &hung, UNAFFECTED_BOTS[0], UNAFFECTED_BOTS[1]]);
    dead.shell(&lab, "exec $D -c m.toml start").run().ok();
    let monitor = lab.daemon(PIDFILE);
    let held = HungFile::file(&lab, "slow");
    start_hung(&lab, "gone");
    start_hung(&lab, "nobody");
    begin(&lab, "start hung");
    for hangs in wait_for_pending(monitor, MANY + 2) {
        assert_eq!(hangs.descriptors().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
    monitor_responds(&lab);
    // One is stopped, the others still hang.
    tell(&lab, "stop --wait=20s gone");
    wait_for_pending(monitor, MANY + 1);
    start_hung(&lab, "gone");
    held.release();
    for number in 1..=MANY {
        wait_for(&lab, &format!("hung:{number}"), "running");
    }
    assert_eq!(lines(&lab, "starts", MANY).len(), MANY);
    // The error of the mount is the kernel's.
    dead.release();
    for bot in ["gone", "nobody"] {
        let told = wait_for(&lab, bot, "gave-up");
        assert!(told.contains(&format!("failed to enter the directory of `{bot}`")), "{told}");
    }
    stop(&lab);
}

/// Promise 6.12. The end of the monitor ends starts that hang.
#[test]
fn shutdown_ends_hung_starts() {
    let lab = lab();
    install_bot(&lab, "slow");
    let dead = HungFile::mount(&lab, "mount");
    let held = HungFile::file(&lab, "slow");
    // They hang from the beginning, and the monitor starts regardless.
    write_bots(
        &lab,
        &[
            r#"gone = { command = "BOT", args = ["idle"], cwd = "LAB/mount" }"#,
            r#"hung = { command = "LAB/slow", args = ["idle"], depends_on = ["web"] }"#,
            UNAFFECTED_BOTS[0],
        ],
    );
    dead.shell(&lab, "exec $D -c m.toml start").run().ok();
    let monitor = lab.daemon(PIDFILE);
    wait_for(&lab, "gone", "starting");
    wait_for(&lab, "hung", "starting");
    let begin = Instant::now();
    let stopped = ctl(&lab, "shutdown").run().ok();
    assert!(stopped.stdout == "the monitor has stopped\n" && begin.elapsed() < Duration::from_secs(10), "{stopped}");
    assert_eq!(pending_children(monitor), []);
    assert!(!monitor.alive());
    held.release();
    dead.release();
    nothing_left(&lab);
}

/// Promise 6.04. Starts that hang end with a killed monitor, whatever they hang on.
#[test]
fn hung_starts_end_with_a_killed_monitor() {
    let lab = lab();
    install_bot(&lab, "slow");
    let dead = HungFile::mount(&lab, "mount");
    let held = HungFile::file(&lab, "slow");
    let gone = r#"gone = { command = "BOT", args = ["stamp:LAB/starts", "idle"], cwd = "LAB/mount" }"#;
    let nobody =
        r#"nobody = { command = "/bin/sleep", args = ["999"], user = "65534", group = "65534", cwd = "LAB/mount" }"#;
    write_bots(&lab, &[gone, nobody, r#"hung = { command = "LAB/slow", args = ["stamp:LAB/starts", "idle"] }"#]);
    dead.shell(&lab, "exec $D -c m.toml start").run().ok();
    let monitor = lab.daemon(PIDFILE);
    for bot in ["gone", "nobody", "hung"] {
        wait_for(&lab, bot, "starting");
    }
    let hang = wait_for_pending(monitor, 3);
    monitor.signal(Signal::SIGKILL);
    let all: Vec<i32> = hang.iter().chain([&monitor]).map(|process| process.id()).collect();
    look::deaths(&all, Deadline::after(EVENT_TIMEOUT)).expect("the kernel tells them");
    held.release();
    write_bots(&lab, &[r#"hung = { command = "LAB/slow", args = ["stamp:LAB/starts", "idle"] }"#]);
    start_again(&lab);
    wait_for(&lab, "hung", "running");
    assert_eq!(lines(&lab, "starts", 1).len(), 1);
    dead.release();
    stop(&lab);
}

/// Promise 6.11. A user is looked up in a file that hangs, as with a network name service.
#[test]
fn hung_name_service_does_not_block_others() {
    let lab = lab();
    lab.shell("cp /etc/passwd passwd").run().ok();
    let running = foreground(
        &lab,
        &[
            r#"named = { command = "/bin/sleep", args = ["999"], autostart = false, user = "nobody" }"#,
            r#"other = { command = "/bin/sleep", args = ["998"], autostart = false, user = "nobody" }"#,
            r#"alike = { command = "/bin/sleep", args = ["997"], instances = 20, autostart = false, user = "nobody" }"#,
            UNAFFECTED_BOTS[0],
            UNAFFECTED_BOTS[1],
        ],
        "exec unshare --mount bash -c 'mount --bind passwd /etc/passwd && exec $D -c m.toml run'",
    );
    let monitor = running.process();
    wait_for(&lab, "web", "running");
    let held = HungFile::file(&lab, "passwd");
    start_hung(&lab, "named");
    assert_eq!(pending_children(monitor), []);
    monitor_responds(&lab);
    // There is no process to end.
    assert!(tell(&lab, "stop --wait=20s named").contains("named: stopped"));
    start_hung(&lab, "named");
    // The name service is asked once for each name.
    let asked =
        || monitor.threads().into_iter().filter(|thread| thread.status("Name").as_deref() == Some("accounts")).count();
    let before = asked();
    assert!(before > 0, "no name is looked up");
    begin(&lab, "start alike");
    monitor_responds(&lab);
    assert_eq!(asked(), before);
    held.release();
    for bot in ["named", "alike:1", "alike:20"] {
        wait_for(&lab, bot, "running");
    }
    assert_eq!(process(&lab, "named").ids().unwrap().users, vec![65534; 4]);
    // The abandoned start has not started another process.
    let sleeps = lab.processes().into_iter().filter(|process| process.arguments() == ["/bin/sleep", "999"]);
    assert_eq!(sleeps.count(), 1);
    // The monitor does not wait for it at its end, either.
    let held = HungFile::file(&lab, "passwd");
    start_hung(&lab, "other");
    let begin = Instant::now();
    running.signal(Signal::SIGTERM);
    running.finish().ok();
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    held.release();
    nothing_left(&lab);
}
