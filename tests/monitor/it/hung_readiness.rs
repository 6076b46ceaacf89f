//! Checks for the readiness file of a bot that hang; and directories that do.

use std::fmt::Write as _;

use crate::cli_lab::CliLab;
use crate::common::{
    BOT, EVENT_TIMEOUT, PIDFILE, ctl, lab, lines, process, state, states, status, stop, tell, wait_for, write_bots,
};
use crate::hung_mount::HungFile;
use crate::hung_processes::{UNAFFECTED_BOTS, monitor_responds};
use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;
use serde_json::Value;

/// Starts a monitor in the mount namespace of the mount.
fn start_at(lab: &Lab, mount: &HungFile<'_>) -> Process {
    mount.shell(lab, "exec $D -c m.toml start").run().ok();
    lab.daemon(PIDFILE)
}

/// A bot with a readiness file, and one without; both note their starts.
const WAITED: [&str; 2] = [
    r#"sign = { command = "BOT", args = ["stamp:LAB/starts", "idle"], ready = { file = "LAB/mount/ready" } }"#,
    r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#,
];

/// Starts a monitor with a check that hangs uninterruptibly, while both bots run.
fn a_look_hangs(lab: &Lab) -> (HungFile<'_>, Process) {
    let mute = HungFile::mute(lab, "mount");
    write_bots(lab, &WAITED);
    let monitor = start_at(lab, &mute);
    lab.wait_for("asked", EVENT_TIMEOUT, |text| text.ends_with('\n'));
    lines(lab, "starts", 2);
    (mute, monitor)
}

/// Asserts that monitor and bots end. A killed process exists until its last thread can exit, but it does not run, and
/// holds nothing.
#[track_caller]
fn ends(monitor: Process, bots: [Process; 2]) {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    let all_are_dead = look::deaths(&bots.map(Process::id), deadline).is_ok();
    while all_are_dead && monitor.alive() && !deadline.passed() {}
    let left = [monitor, bots[0], bots[1]].map(|process| (process, process.stat()));
    assert!(all_are_dead && !monitor.alive(), "still there: {left:?}");
}

/// Asserts that the next monitor starts, and each of its bots once.
#[track_caller]
fn starts_again(lab: &Lab, mute: HungFile<'_>) {
    start_at(lab, &mute);
    lines(lab, "starts", 4);
    let is_copy = |process: &Process| process.arguments().first().is_some_and(|name| name == BOT);
    assert_eq!(lab.processes().into_iter().filter(is_copy).count(), 2);
    mute.release();
    stop(lab);
}

/// Asserts that this signal ends a monitor with a hanging check, and its bots, and that another monitor takes over.
fn ends_by(signal: Signal) {
    let lab = lab();
    let (mute, monitor) = a_look_hangs(&lab);
    let bots = [process(&lab, "sign"), process(&lab, "web")];
    monitor.signal(signal);
    ends(monitor, bots);
    starts_again(&lab, mute);
}

/// Promise 6.04. A hanging check may be beyond any signal: it delays neither the end of the bots nor the next monitor.
#[test]
fn hung_check_lets_bots_end_with_a_killed_monitor() {
    ends_by(Signal::SIGKILL);
}

/// Promise 6.12. It does not delay a monitor that stops in order, either.
#[test]
fn hung_check_does_not_block_the_shutdown() {
    ends_by(Signal::SIGTERM);
}

/// Promise 6.11. Bots that are never ready, because of the mount, are restarted repeatedly and check each time.
#[test]
fn hung_checks_leave_room_for_other_bots() {
    let lab = lab();
    leaves_room(&lab, HungFile::mount(&lab, "mount"));
}

/// Promise 6.11. The checks cannot be killed, either.
#[test]
fn unkillable_checks_leave_room_for_other_bots() {
    let lab = lab();
    leaves_room(&lab, HungFile::mute(&lab, "mount"));
}

fn leaves_room(lab: &Lab, mount: HungFile<'_>) {
    let again = r#"limit = { exits = 1000, window = "1s" }, backoff = { first = "1ms", cap = "1ms", jitter = 0.0 },"#;
    let alike = format!(
        r#"alike = {{ command = "/bin/sleep", args = ["999"], instances = 50, ready = {{ file = "LAB/mount/ready" }}, ready_timeout = "2s", {again} }}"#
    );
    let brief = format!(
        r#"brief = {{ command = "BOT", args = ["stamp:LAB/starts", "idle"], ready = {{ file = "LAB/mount/brief" }}, ready_timeout = "100ms", {again} }}"#
    );
    let each = |number| {
        format!(
            r#"sign{number} = {{ command = "/bin/sleep", args = ["999"], ready = {{ file = "LAB/mount/{number}" }}, ready_timeout = "2s", {again} }}"#
        )
    };
    let mut bots: Vec<String> = (0..50).map(each).collect();
    bots.extend([alike, brief, UNAFFECTED_BOTS[0].into(), UNAFFECTED_BOTS[1].into()]);
    write_bots(lab, &bots.iter().map(String::as_str).collect::<Vec<_>>());
    let monitor = start_at(lab, &mount);
    let few_threads = || {
        let threads: Vec<_> = monitor.threads().into_iter().filter_map(Process::stat).map(|stat| stat.name).collect();
        assert!(threads.len() < 40, "{} threads: {threads:?}", threads.len());
    };
    few_threads();
    lines(lab, "starts", 10);
    wait_for(lab, "web", "running");
    monitor_responds(lab);
    few_threads();
    assert!(tell(lab, "stop --wait=20s brief").contains("brief: stopped"));
    mount.release();
    stop(lab);
}

/// Waits until the start of each of these bots hangs, or the reason for its failure is reported; at least four hang.
#[track_caller]
fn until_all_were_tried(lab: &Lab, count: usize) {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    loop {
        let all = states(lab);
        let count_in = |state: &str| all.iter().filter(|(_, other)| other == state).count();
        if count_in("starting") >= 4 && count_in("starting") + count_in("backing-off") == count {
            return;
        }
        assert!(!deadline.passed(), "{all:?}");
    }
}

/// Promise 6.11. A directory that hangs does not count as a failure of the program.
#[test]
fn hung_directory_does_not_block_the_program_elsewhere() {
    a_program_starts_elsewhere(4);
}

/// Promise 6.11. Many directories that hang do not count, either.
#[test]
fn many_hung_directories_do_not_block_the_program_elsewhere() {
    a_program_starts_elsewhere(9);
}

/// Asserts that a program starts in a healthy directory while `count` starts of it hang in one directory, and `count`
/// more in one each.
fn a_program_starts_elsewhere(count: usize) {
    let lab = lab();
    let dead = HungFile::mount(&lab, "mount");
    let mut gone =
        format!("gone = {{ command = \"/bin/sleep\", args = [\"999\"], instances = {count}, cwd = \"LAB/mount\" }}\n");
    for number in 0..count {
        writeln!(gone, r#"gone{number} = {{ command = "/bin/sleep", args = ["999"], cwd = "LAB/mount/{number}" }}"#)
            .unwrap();
    }
    write_bots(
        &lab,
        &[&gone, r#"healthy = { command = "/bin/sleep", args = ["998"], autostart = false, cwd = "LAB" }"#],
    );
    start_at(&lab, &dead);
    until_all_were_tried(&lab, count * 2);
    let told = ctl(&lab, "start --wait=10s healthy").run();
    assert_eq!(state(&lab, "healthy"), "running", "{told}{}", status(&lab, "healthy"));
    // It can also be restarted.
    let before = process(&lab, "healthy");
    tell(&lab, "restart --wait=20s healthy");
    let after = process(&lab, "healthy");
    assert!(after != before && after.alive() && after.directory().as_deref() == Some(lab.directory()));
    dead.release();
    stop(&lab);
}

/// Promise 6.11. There is no process to report, but that does not mean that one is exiting.
#[test]
fn hung_start_is_reported() {
    let cli = CliLab::new(
        "[bot.gone]\ncommand = \"/bin/sleep\"\nargs = [\"999\"]\ncwd = \"LAB/mount\"\n\
         [bot.web]\ncommand = \"/bin/sleep\"\nargs = [\"998\"]\n",
    );
    let dead = HungFile::mount(&cli.lab, "mount");
    dead.shell(&cli.lab, "exec $D -c m.toml start").run();
    cli.monitor();
    cli.until_is("web", "running");
    let why = "its start does not come back: the mount of its program or directory does not answer";
    let right = |bot: &Value| {
        bot["state"] == "starting" && bot["pid"].is_null() && bot["reason"].as_str().is_some_and(|r| r.starts_with(why))
    };
    cli.until("gone", |bot| !bot["reason"].is_null());
    assert!(right(&cli.bot("gone")), "{}", cli.bot("gone"));
    let (all, _) = cli.json(&["status", "gone"]);
    assert!(right(&all["bots"][0]), "{all}");
    let table = cli.ctl(&["status"]).run();
    let line = table.stdout.lines().find(|line| line.starts_with("gone")).unwrap_or_default();
    assert_eq!(line.split_whitespace().nth(1), Some("starting"), "{table}");
    assert!(line.contains(why), "{table}");
    // A stopped bot is reported as stopped, and does not hang.
    cli.ok(&["stop", "gone"]);
    assert_eq!(cli.bot("gone")["state"], "stopped");
    dead.release();
    cli.shutdown();
}

/// Promise 6.11. The check for a readiness file hangs, so that its result is unknown.
#[test]
fn hung_readiness_check_does_not_block_others() {
    let lab = lab();
    let dead = HungFile::mount(&lab, "mount");
    let brief = r#"brief = { command = "BOT", args = ["idle"], ready = { file = "LAB/mount/ready" }, ready_timeout = "1s", restart = "never" }"#;
    write_bots(
        &lab,
        &[
            r#"sign = { command = "BOT", args = ["idle"], ready = { file = "LAB/mount/ready" } }"#,
            brief,
            UNAFFECTED_BOTS[0],
            UNAFFECTED_BOTS[1],
        ],
    );
    dead.shell(&lab, "exec $D -c m.toml start").run().ok();
    lab.daemon(PIDFILE);
    monitor_responds(&lab);
    assert_eq!(state(&lab, "sign"), "starting");
    assert!(process(&lab, "sign").alive());
    // Its readiness timeout applies.
    let told = wait_for(&lab, "brief", "failed");
    assert!(told.contains("not being ready in time"), "{told}");
    assert!(tell(&lab, "stop --wait=20s sign").contains("sign: stopped"));
    dead.release();
    stop(&lab);
}
