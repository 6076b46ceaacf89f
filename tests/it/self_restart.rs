//! A daemon that restarts itself: it stops only for a program that can take over.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use look::{Lab, Process};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, nothing_left, run, shared_lab, start, stop};
use crate::faults::held_system_call::{At, Hold, look_until};

/// The settings of a daemon that restarts itself at USR1, and writes its errors to `log`.
pub(crate) const RESTARTS: [&str; 4] = ["handle=USR1:restart", "stdout=log", "stderr=log", "body=note:bodies,idle"];

/// Makes the program unable to start.
type Break = fn(&Path);

/// Promise 1.28.
#[test]
fn restart_into_program_that_cannot_start_leaves_the_daemon_running() {
    let breaks: [(&str, Break); 6] = [
        ("exited with status 3 before it was ready", |program| script(program, "exit 3")),
        ("was killed by signal 9", |program| script(program, "kill -9 $$")),
        ("was not ready to take over within 700ms", |program| script(program, "exec sleep 1000")),
        ("does not take over", |program| {
            script(program, "for n in {3..20}; do eval exec $n\">&-\"; done; exec sleep 1000");
        }),
        ("permission denied", |program| {
            fs::remove_file(program).unwrap();
            fs::write(program, "").unwrap();
        }),
        ("no such file", |program| fs::remove_file(program).unwrap()),
    ];
    for (why, break_it) in breaks {
        let lab = shared_lab();
        let daemon = start(&lab, &[&RESTARTS[..], &["start_timeout=700"]].concat());
        let whole = lab.path("whole");
        fs::copy(lab.program(), &whole).unwrap();
        break_it(lab.program());
        daemon.signal(Signal::SIGUSR1);
        lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("failed to restart") && log.to_lowercase().contains(why));
        look_until("what it has started lives", || lab.processes() == [daemon]);
        assert!(children(daemon).is_empty(), "{why}: {:?} is not reaped", children(daemon));
        // The daemon is unchanged, and can be restarted once the program is repaired.
        assert_eq!(lab.daemon(PIDFILE), daemon);
        fs::rename(whole, lab.program()).unwrap();
        daemon.signal(Signal::SIGUSR1);
        lab.wait_for("bodies", EVENT_TIMEOUT, |notes| notes.lines().count() == 2);
        assert!(!daemon.alive());
        stop(&lab);
        nothing_left(&lab);
    }
}

/// Promise 1.28. The restart returns the error of the new program.
#[test]
fn restart_into_wrong_settings_reports_the_error_of_the_new_program() {
    let lab = lab();
    fs::create_dir(lab.path("logs")).unwrap();
    let daemon = start(&lab, &["handle=USR1:restart", "stdout=logs/out", "stderr=log", "body=idle"]);
    fs::remove_dir_all(lab.path("logs")).unwrap();
    daemon.signal(Signal::SIGUSR1);
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("failed to restart: the new process reports: "));
    assert!(log.contains("logs/out"), "{log}");
    assert!(daemon.alive() && lab.daemon(PIDFILE) == daemon);
    look_until("what it has started lives", || lab.processes() == [daemon]);
}

/// Promise 1.28. The program is found by the path with which it was called.
#[test]
fn restart_follows_the_link_by_which_the_program_was_called() {
    let ways = [
        "exec -a name current/lab start",
        "PATH=$PWD/current:$PATH; exec -a name lab start",
        "PATH=current:$PATH; exec -a name lab start",
        "cd current; exec -a name ./lab start",
    ];
    for way in ways {
        let lab = lab();
        for release in ["1", "2"] {
            fs::create_dir_all(lab.path("releases").join(release)).unwrap();
            fs::copy(lab.program(), lab.path("releases").join(release).join("lab")).unwrap();
        }
        symlink("releases/1", lab.path("current")).unwrap();
        let (pidfile, log) = (lab.path(PIDFILE), lab.path("log"));
        let settings =
            format!("pidfile={} stderr={} handle=USR1:restart body=note:bodies,idle", pidfile.display(), log.display());
        lab.shell(&format!("{way} {settings}")).run().ok();
        let first = lab.daemon(PIDFILE);
        assert_eq!(first.program(), Some(lab.path("releases/1/lab")), "{way}");
        symlink("releases/2", lab.path("next")).unwrap();
        fs::rename(lab.path("next"), lab.path("current")).unwrap();
        for bodies in [2, 3] {
            // The first release may be gone, with the directory of the first start.
            lab.daemon(PIDFILE).signal(Signal::SIGUSR1);
            lab.wait_for("bodies", EVENT_TIMEOUT, |notes| notes.lines().count() == bodies);
            let next = lab.daemon(PIDFILE);
            assert_eq!(next.program(), Some(lab.path("releases/2/lab")), "{way}: {}", lab.read("log"));
            assert_eq!(next.arguments()[0], "name", "{way}");
            let _ = fs::remove_dir_all(lab.path("releases/1"));
        }
        run(&lab, "stop", &[]).ok();
        nothing_left(&lab);
    }
}

/// Promise 1.28.
#[test]
fn restart_works_when_the_first_directory_is_gone() {
    let lab = lab();
    fs::create_dir(lab.path("first")).unwrap();
    let pidfile = format!("pidfile={}", lab.path(PIDFILE).display());
    let settings = ["handle=USR1:restart", "body=note:bodies,idle"];
    lab.helper(&["start", &pidfile]).args(settings).in_directory(lab.path("first")).run().ok();
    fs::remove_dir(lab.path("first")).unwrap();
    let first = lab.daemon(PIDFILE);
    first.signal(Signal::SIGUSR1);
    lab.wait_for("bodies", EVENT_TIMEOUT, |notes| notes.lines().count() == 2);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.28. The new program works as the old one did, and does not stop it by itself.
#[test]
fn restart_of_daemon_that_was_started_by_a_restart_works() {
    let lab = lab();
    run(&lab, "restart", &RESTARTS).ok();
    for bodies in [2, 3] {
        lab.daemon(PIDFILE).signal(Signal::SIGUSR1);
        lab.wait_for("bodies", EVENT_TIMEOUT, |notes| notes.lines().count() == bodies);
    }
    assert_eq!(lab.processes(), [lab.daemon(PIDFILE)]);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.28. If the old daemon is killed during its end, the new one takes over.
#[test]
fn restart_whose_old_daemon_is_killed_meanwhile_takes_over() {
    let lab = lab();
    let daemon = start(&lab, &STAYS);
    restarting(&lab, daemon);
    daemon.signal(Signal::SIGKILL);
    lab.wait_for("bodies", EVENT_TIMEOUT, |notes| notes.lines().count() == 2);
    assert_ne!(lab.daemon(PIDFILE), daemon);
    lab.write("go", "");
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.28. A file that is not a pidfile prevents the new program from starting, and is not touched.
#[test]
fn restart_with_replaced_pidfile_leaves_the_daemon_running() {
    let lab = lab();
    let daemon = start(&lab, &RESTARTS);
    lab.write(PIDFILE, "not a pidfile\n");
    daemon.signal(Signal::SIGUSR1);
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("failed to restart: the new process reports: "));
    assert!(log.contains("it is not a pidfile; not replacing it"), "{log}");
    look_until("what it has started lives", || lab.processes() == [daemon]);
    assert_eq!(lab.read(PIDFILE), "not a pidfile\n");
    daemon.signal(Signal::SIGTERM);
    daemon.died(EVENT_TIMEOUT).expect("stopped");
    assert_eq!(lab.read(PIDFILE), "not a pidfile\n");
}

/// Promise 1.28. Without the old daemon's lock, the new one waits until the process named by the pidfile has exited.
#[test]
fn restart_of_daemon_whose_lock_file_was_removed_waits_for_its_end() {
    let lab = lab();
    let daemon = start(&lab, &RESTARTS);
    fs::remove_file(lab.path("d.pid.lock")).unwrap();
    daemon.signal(Signal::SIGSTOP);
    let tracing = Hold::family(&lab, daemon, At("exit_group", 1));
    daemon.signal(Signal::SIGUSR1);
    let held = tracing.reached();
    assert_eq!(held.process.id(), daemon.id());
    // Longer than a start waits for a lock or for a daemon.
    daemon.died(std::time::Duration::from_millis(500)).expect_err("it is held");
    held.release();
    lab.wait_for("bodies", EVENT_TIMEOUT, |notes| notes.lines().count() == 2);
    assert_ne!(lab.daemon(PIDFILE), daemon);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.19. Neither the variable nor the socket reaches a child of the new daemon.
#[test]
fn restart_leaves_nothing_in_the_environment_and_the_descriptors() {
    for detach in ["auto", "never"] {
        let lab = lab();
        let detach = format!("detach={detach}");
        let settings = [
            "pidfile=d.pid",
            &detach,
            "handle=USR1:restart",
            "after=Stdio:note:bodies",
            "body=note_child_and_idle:child",
        ];
        let first = lab.helper(&["start"]).args(settings).spawn();
        lab.wait_for("bodies", EVENT_TIMEOUT, |notes| notes.lines().count() == 1);
        let before = lab.wait_for("child", EVENT_TIMEOUT, |text| text.contains("that is all"));
        fs::remove_file(lab.path("child")).unwrap();
        lab.daemon(PIDFILE).signal(Signal::SIGUSR1);
        lab.wait_for("bodies", EVENT_TIMEOUT, |notes| notes.lines().count() == 2);
        let after = lab.wait_for("child", EVENT_TIMEOUT, |text| text.contains("that is all"));
        assert!(!after.contains("DAEMONIC_RESTART"), "{after}");
        assert_eq!(after, before);
        let sockets =
            |process: Process| process.descriptors().values().filter(|fd| format!("{fd:?}").contains("socket")).count();
        // The new process is ready after its first look, and closes the sockets of its start then.
        look_until("sockets of the start stay open", || sockets(lab.daemon(PIDFILE)) == 0);
        stop(&lab);
        first.finish().ok();
    }
}

/// Promise 1.28. Any process can set the variable. Neither a number that is not a socket nor a socket pair of another
/// process is believed, so the daemon does not wait.
#[test]
fn forged_restart_variable_is_ignored() {
    let lab = lab();
    let other = lab.command("sleep", &["1000"]).spawn();
    let start_time = other.process().stat().expect("it lives").start;
    for fd in ["3", "9", "77"] {
        let variable = format!("{fd} {} {start_time} true lab", other.process().id());
        let script = "exec 9<>/dev/null; exec $D start pidfile=d.pid body=note:bodies,idle";
        lab.shell(script).env("DAEMONIC_RESTART", &variable).run().ok();
        stop(&lab);
    }
    assert_eq!(lab.read("bodies").lines().count(), 3);
    other.signal(Signal::SIGKILL);
    other.process().died(EVENT_TIMEOUT).expect("killed");
}

/// A body that ends only after `go` exists. It asks about the stop before its note: a restart before that ends it at
/// once, and there is nothing to wait for.
pub(crate) const STAYS: [&str; 7] = [
    "handle=USR1:restart_and_note:accepted",
    "handle=USR2:stop",
    "stdout=log",
    "stderr=log",
    "grace=60000",
    "stop_timeout=65000",
    "body=ask,note:bodies,idle,await:go",
];

/// Makes the daemon restart, and returns when it has accepted the new program and waits for its body.
pub(crate) fn restarting(lab: &Lab, daemon: Process) {
    lab.wait_for("bodies", EVENT_TIMEOUT, |notes| !notes.is_empty());
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("accepted", EVENT_TIMEOUT, |notes| !notes.is_empty());
}

pub(crate) fn script(program: &Path, text: &str) {
    fs::remove_file(program).unwrap();
    fs::write(program, format!("#!/bin/bash\n{text}\n")).unwrap();
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Returns its children, including zombies.
pub(crate) fn children(process: Process) -> Vec<Process> {
    Process::all().filter(|child| child.stat().is_some_and(|stat| stat.parent == process.id())).collect()
}
