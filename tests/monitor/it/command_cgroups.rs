//! Control groups of checks and hooks, where the monitor's own is delegated to it.

use look::{Deadline, Lab, Process};

use crate::common::{EVENT_TIMEOUT, lab, lines, process, stop, until, write_bots};
use crate::control_group::{Group, group_of};

/// A script whose child has neither the secret of the command nor its session, and that has noted its pid.
const HIDDEN: &str =
    "setsid env -i sh -c 'echo $$$$ >> LAB/hidden; exec sleep 1000' & while [ ! -s LAB/hidden ]; do :; done";

/// Returns the hidden child of a command.
fn hidden(lab: &Lab) -> Process {
    Process::new(lines(lab, "hidden", 1)[0].parse().expect("a pid"))
}

#[track_caller]
fn until_dead(process: Process) {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while process.alive() {
        assert!(!deadline.passed(), "process {} lives on", process.id());
        std::thread::yield_now();
    }
}

/// Promise 6.79.
#[test]
fn what_a_check_has_hidden_is_killed_when_the_check_ends() {
    let lab = lab();
    let group = Group::new(&lab, true);
    let check = format!(
        r#"{{ exec = ["/bin/sh", "-c", "[ -e LAB/hidden ] || {{ {HIDDEN}; }}"], every = "20ms", timeout = "20s" }}"#
    );
    write_bots(&lab, &[&format!(r#"web = {{ command = "BOT", args = ["idle"], check = {check} }}"#)]);
    group.start(&lab);
    until_dead(hidden(&lab));
    // The bot is another group's, and lives.
    until(&lab, "web", |bot| bot["health"] == "healthy");
    assert!(group_of(process(&lab, "web")).ends_with("/bots-m/bot-web"));
    stop(&lab);
    assert_eq!(group.children(), [""; 0]);
}

/// Promise 6.79.
#[test]
fn what_a_command_has_hidden_is_killed_at_its_deadline() {
    let lab = lab();
    let group = Group::new(&lab, true);
    let script = format!("{HIDDEN}; cat /proc/self/cgroup > LAB/own; echo >> LAB/own; exec sleep 1000");
    let ready = format!(r#"{{ exec = ["/bin/sh", "-c", "{script}"] }}"#);
    write_bots(
        &lab,
        &[&format!(
            r#"web = {{ command = "BOT", args = ["idle"], ready = {ready}, ready_timeout = "1s", restart = "never" }}"#
        )],
    );
    group.start(&lab);
    let child = hidden(&lab);
    let own = lines(&lab, "own", 1).join("\n");
    assert!(own.contains("/bots-m/command-0"), "{own}");
    until_dead(child);
    stop(&lab);
    assert_eq!(group.children(), [""; 0]);
}

/// Promise 6.79.
#[test]
fn what_a_hook_has_hidden_is_killed_when_the_hook_ends() {
    let lab = lab();
    let group = Group::new(&lab, true);
    let hook = format!(r#"["/bin/sh", "-c", "{HIDDEN}; cat /proc/self/cgroup > LAB/own; echo x >> LAB/hooked"]"#);
    write_bots(
        &lab,
        &[&format!(r#"web = {{ command = "BOT", args = ["idle"], on_exit = {hook}, restart = "never" }}"#)],
    );
    group.start(&lab);
    process(&lab, "web").signal(nix::sys::signal::Signal::SIGKILL);
    lines(&lab, "hooked", 1);
    until_dead(hidden(&lab));
    stop(&lab);
    assert_eq!(group.children(), [""; 0]);
}
