//! Pidfiles of services of a real systemd.

use crate::common::{EVENT_TIMEOUT, needs, times};
use crate::systemd_services::FORKING;
use crate::systemd_unit::Unit;
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// Promise 1.14.
#[test]
fn forking_service_is_active_with_its_main_process() {
    // The second changes its user itself, after the pidfile was created.
    for (name, settings) in [("forking", ""), ("forking-drops", "user=65534")] {
        let unit = Unit::new(name, &format!("{FORKING} {settings}"));
        for _ in 0..times(3, 30) {
            let daemon = unit.start();
            assert_eq!(unit.named(), unit.main(), "the pidfile names another than systemd");
            assert!(daemon.alive());
            unit.stop();
            assert_eq!(unit.machine.read(unit.pidfile()), "", "a pidfile left behind");
        }
        unit.content();
    }
}

/// Promise 1.14. A service that systemd made unprivileged has its pidfile in a directory of its own.
#[test]
fn forking_service_of_another_user_is_active() {
    let lines = "Type=forking\nUser=65534\nGroup=65534\nRuntimeDirectory=%N\nPIDFile=/run/%N/d.pid\n\
                 ExecStart=LAB start detach=always pidfile=/run/%N/d.pid";
    let unit = Unit::new("forking-user", lines);
    let daemon = unit.start();
    assert_eq!(daemon.ids().expect("it is alive").users, [65534; 4]);
    assert!(unit.machine.read("/run/forking-user/d.pid").starts_with(&format!("{}\n", unit.main())));
    unit.stop();
    unit.content();
}

/// Promise 1.14. A launcher that is about to exit waits for nothing, but systemd looks for the daemon as soon as it has
/// exited: a daemon whose first parent still lives is unknown to systemd, which kills it.
#[test]
fn daemon_is_an_orphan_when_its_launcher_exits() {
    needs(&["strace"]);
    // With -D, strace forks itself away, and traces the process that systemd executed.
    let slow = "/usr/bin/strace -D -f -o LABDIR/%N.trace -e trace=poll,ppoll -e inject=poll,ppoll:delay_exit=300000 ";
    for (name, verb, strace, rounds) in [
        ("slow-start", "start", slow, 1),
        ("slow-activate", "activate", slow, 1),
        ("activate", "activate", "", times(30, 200)),
    ] {
        let begin = "Type=forking\nPIDFile=/run/%N.pid\nExecStart=";
        let unit = Unit::new(name, &format!("{begin}{strace}LAB {verb} detach=always pidfile=/run/%N.pid"));
        for _ in 0..rounds {
            unit.start();
            assert_eq!(unit.named(), unit.main());
            unit.stop();
        }
        unit.content();
    }
}

/// Promise 2.01.
#[test]
fn pidfile_of_a_service_that_changes_its_user_stays_roots() {
    let unit = Unit::new("drops", &format!("{FORKING} user=65534"));
    let daemon = unit.start();
    let file = fs::metadata(unit.machine.path(unit.pidfile())).expect("the pidfile");
    assert_eq!((file.uid(), file.permissions().mode() & 0o7777), (0, 0o644));
    assert_eq!(daemon.ids().expect("it is alive").users, [65534; 4]);
    unit.stop();
    unit.content();
}

/// Promise 2.12. With `PIDFile=`, systemd removes the file of a killed service itself; without, it stays and is not an
/// obstacle.
#[test]
fn killed_service_is_restarted() {
    let exec = "Type=exec\nExecStart=LAB start pidfile=/run/%N.pid";
    for (name, lines) in [("killed-forking", FORKING), ("killed-exec", exec)] {
        let unit = Unit::new(name, &format!("{lines}\nRestart=on-failure\nRestartSec=0"));
        let mut daemon = unit.start();
        for round in 1..=times(3, 20) {
            daemon.signal(Signal::SIGKILL);
            daemon.died(EVENT_TIMEOUT).expect("SIGKILL ends it");
            unit.wait_for("stopped signal killed KILL", round);
            unit.wait_for("started", round + 1);
            let next = unit.start();
            assert_ne!(next, daemon, "the unit is active, and its main process the dead one");
            assert_eq!(unit.named(), unit.main());
            daemon = next;
        }
        unit.stop();
        unit.content();
    }
}

/// Promise 2.22. A verb in a shell finds the daemon that systemd started in its directory, also as another user.
#[test]
fn unit_without_a_pidfile_of_its_own_has_it_in_its_runtime_directory() {
    for (name, lines) in [
        ("placed", "User=65534\nGroup=65534"),
        ("placed-root", ""),
        ("placed-dynamic", "DynamicUser=yes\nBindPaths=LABDIR"),
    ] {
        let exec = format!("Type=notify\nRuntimeDirectory=%N\nExecStart=LAB start name=%N\n{lines}");
        let unit = Unit::new(name, &exec);
        unit.start();
        let by_hand = |verb: &str| unit.machine.helper(&[verb, &format!("name={name}")]).run();
        let pidfile = format!("/run/{name}/{name}.pid");
        let status = by_hand("status").ok();
        assert!(status.stdout.contains(&format!("running as pid {} (pidfile `{pidfile}`)", unit.main())), "{status}");
        by_hand("stop").ok();
        unit.wait_for("stopped success exited 0", 1);
        by_hand("status").exits(3);
        unit.content();
    }
}

/// Promise 2.23.
#[test]
fn unit_without_writable_directory_runs_without_a_pidfile() {
    let unit = Unit::new("unplaced", "Type=notify\nDynamicUser=yes\nBindPaths=LABDIR\nExecStart=LAB start name=%N");
    unit.start();
    let journal = unit.machine.journal(&unit.name);
    assert!(
        journal.contains("running without a pidfile") && journal.contains("RuntimeDirectory=unplaced"),
        "{journal}"
    );
    unit.stop();
    unit.content();
}
