//! Control groups of bots, where the monitor's own is delegated to it.
//!
//! A test makes a group and marks it as systemd marks one with `Delegate=yes`. Machines without a controller (where the first version of
//! control groups has them all) are enough: killing needs none.

use std::fs;

use look::Process;

use crate::common::{EVENT_TIMEOUT, ctl, lab, lines, nothing_left, process, status, stop, tell, wait_for, write_bots};
use crate::control_group::{Group, group_of};

/// A bot whose child has neither its secret nor its session.
const AWAY: &str = r#"away = { command = "/bin/sh", args = ["-c", "setsid env -i sh -c 'echo $$$$ > LAB/pid; exec sleep 1000' & while [ ! -s LAB/pid ]; do :; done; exec sleep 1000"] }"#;

/// Promise 6.76.
#[test]
fn what_has_cleared_its_environment_and_left_its_session_is_ended_with_its_bot() {
    let lab = lab();
    let group = Group::new(&lab, true);
    write_bots(&lab, &[AWAY, r#"other = { command = "BOT", args = ["idle"] }"#]);
    let monitor = group.start(&lab);
    let away = process(&lab, "away");
    let child = Process::new(lines(&lab, "pid", 1)[0].parse().unwrap());
    let root = format!("/{}", lab.directory().file_name().unwrap().to_str().unwrap());
    assert_eq!(group_of(monitor), format!("{root}/monitor-m"));
    assert_eq!(
        [group_of(away), group_of(child)],
        [format!("{root}/bots-m/bot-away"), format!("{root}/bots-m/bot-away")]
    );
    tell(&lab, "stop --wait away");
    assert!(!child.alive(), "{}", status(&lab, "away"));
    assert!(!status(&lab, "away").contains("lives on"));
    assert_eq!(group_of(process(&lab, "other")), format!("{root}/bots-m/bot-other"));
    stop(&lab);
    assert_eq!(group.children(), [""; 0], "groups are left");
}

/// Promise 6.76.
#[test]
fn next_monitor_removes_what_one_that_was_killed_left_in_its_groups() {
    let lab = lab();
    let group = Group::new(&lab, true);
    // A group of another monitor, with a process in it.
    let others = group.0.join("bots-other/bot-web");
    fs::create_dir_all(&others).unwrap();
    let stranger = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    fs::write(others.join("cgroup.procs"), stranger.id().to_string()).unwrap();
    write_bots(&lab, &[AWAY]);
    let monitor = group.start(&lab);
    process(&lab, "away");
    let child = Process::new(lines(&lab, "pid", 1)[0].parse().unwrap());
    monitor.signal(nix::sys::signal::Signal::SIGKILL);
    write_bots(&lab, &[r#"new = { command = "BOT", args = ["idle"] }"#]);
    group.start(&lab);
    process(&lab, "new");
    assert!(!child.alive(), "it has outlived the next start");
    assert_eq!(group.children(), ["bots-m", "bots-other", "monitor-m"]);
    assert!(!group.0.join("bots-m/bot-away").exists());
    assert!(Process::new(stranger.id().try_into().unwrap()).alive(), "a process of another monitor was killed");
    stop(&lab);
    assert_eq!(group.children(), ["bots-other"]);
    let mut stranger = stranger;
    stranger.kill().and_then(|()| stranger.wait()).unwrap();
    nothing_left(&lab);
}

/// Promise 6.74.
#[test]
fn memory_of_what_has_cleared_its_environment_counts_by_its_group() {
    let lab = lab();
    let group = Group::new(&lab, true);
    write_bots(
        &lab,
        &[
            r#"away = { command = "/bin/sh", args = ["-c", "(setsid env -i BOT hold:40 idle &); exec sleep 1000"], memory_max = "30MB", restart = "never" }"#,
        ],
    );
    group.start(&lab);
    let told = wait_for(&lab, "away", "failed");
    assert!(told.contains("of at most 30 MB"), "{told}");
    stop(&lab);
}

/// Promise 6.76.
#[test]
fn limit_without_its_controller_is_told_and_the_bot_runs() {
    let lab = lab();
    let group = Group::new(&lab, true);
    let bot = |more: &str| format!(r#"web = {{ command = "BOT", args = ["idle"]{more} }}"#);
    write_bots(&lab, &[&bot(", cgroup = { pids_max = 50 }")]);
    group.start(&lab);
    let has = fs::read_to_string(group.0.join("cgroup.controllers")).unwrap().contains("pids");
    let told = wait_for(&lab, "web", "running");
    if has {
        assert_eq!(fs::read_to_string(group.0.join("bots-m/bot-web/pids.max")).unwrap().trim(), "50");
    } else {
        assert!(
            told.contains("without limits of its control group: `pids_max`: the monitor has no `pids` controller"),
            "{told}"
        );
    }
    let pid = process(&lab, "web").id();
    write_bots(&lab, &[&bot("")]);
    tell(&lab, "reload");
    assert_eq!(process(&lab, "web").id(), pid);
    assert!(!status(&lab, "web").contains("control group"), "{}", status(&lab, "web"));
    if has {
        assert_eq!(fs::read_to_string(group.0.join("bots-m/bot-web/pids.max")).unwrap().trim(), "max");
    }
    stop(&lab);
}

/// Promise 6.76.
#[test]
fn group_that_is_not_delegated_is_left_alone() {
    let lab = lab();
    let group = Group::new(&lab, false);
    write_bots(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"], cgroup = { pids_max = 5 } }"#,
            r#"plain = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    let monitor = group.start(&lab);
    assert!(
        wait_for(&lab, "web", "running").contains("a systemd unit needs `Delegate=yes`"),
        "{}",
        status(&lab, "web")
    );
    assert!(!status(&lab, "plain").contains("Delegate"));
    assert_eq!(group.children(), [""; 0]);
    let root = format!("/{}", lab.directory().file_name().unwrap().to_str().unwrap());
    assert_eq!([group_of(monitor), group_of(process(&lab, "web"))], [root.clone(), root]);
    stop(&lab);
    assert!(ctl(&lab, "status").within(EVENT_TIMEOUT).run().code() == 3);
}
