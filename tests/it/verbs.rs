//! The verbs beside `start` and `stop`: their output, and the exit statuses that scripts rely on.

use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, ended, lab, nothing_left, run, start, stop};
use crate::faults::held_system_call::look_until;

/// Promise 1.16.
#[test]
fn status_prints_what_scripts_expect() {
    let lab = lab();
    run(&lab, "status", &[]).exits(3);
    let daemon = start(&lab, &[]);
    run(&lab, "status", &[]).exits(0).prints(&[&daemon.id().to_string()]);
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("killed");
    run(&lab, "status", &[]).exits(1);
    lab.write(PIDFILE, "garbage");
    run(&lab, "status", &[]).exits(4);
}

/// Promise 1.16.
#[test]
fn status_before_the_pidfile_is_written_is_starting() {
    let lab = lab();
    let slow = "before=Detach:note:begun,pause:1500";
    let launcher = lab.helper(&["start", "pidfile=d.pid", slow]).spawn();
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    run(&lab, "status", &[]).exits(4).prints(&["starting"]);
    launcher.finish().ok();
    run(&lab, "status", &[]).exits(0);
}

/// Promise 1.18.
#[test]
fn restart_starts_or_replaces_the_daemon() {
    let lab = lab();
    run(&lab, "restart", &[]).ok();
    let first = lab.daemon(PIDFILE);
    assert!(first.alive());
    let outcome = run(&lab, "restart", &[]).ok();
    let second = lab.daemon(PIDFILE);
    assert!(!first.alive() && second.alive() && first != second, "{outcome}");
    assert_eq!(lab.processes(), [second]);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.18.
#[test]
fn restart_that_could_not_start_leaves_the_old_daemon() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    for mistake in
        ["user=no-such-user", "grace=9000 stop_timeout=100", "stdout=missing/log", "first=start_thread:background"]
    {
        let settings: Vec<&str> = mistake.split(' ').collect();
        run(&lab, "restart", &settings).exits(2);
        assert!(daemon.alive(), "{mistake}: stopped although the next one could not start");
    }
    assert_eq!(lab.daemon(PIDFILE), daemon);
}

#[test]
fn foreground_daemon_keeps_its_process() {
    let lab = lab();
    let running =
        lab.helper(&["foreground", "pidfile=d.pid", "guard=left", "body=say:working,note:begun,idle"]).spawn();
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    assert_eq!(lab.daemon(PIDFILE), running.process());
    run(&lab, "status", &[]).exits(0);
    running.signal(Signal::SIGTERM);
    running.finish().ok().prints(&["working"]);
    nothing_left(&lab);
    assert!(lab.read("left").contains("dropped"));
}

#[test]
fn foreground_exit_status_is_the_bodys() {
    let lab = lab();
    run(&lab, "foreground", &["body=err:out of paper"]).exits(4).says(&["out of paper"]);
    run(&lab, "foreground", &["body=panic:out of ink"]).exits(4).says(&["out of ink"]);
    run(&lab, "foreground", &["body=say:done"]).exits(0).prints(&["done"]);
    nothing_left(&lab);
}

#[test]
fn activate_continues_as_the_daemon() {
    let lab = lab();
    let outcome = run(&lab, "activate", &["body=note:working,idle"]).ok();
    let daemon = lab.daemon(PIDFILE);
    assert_ne!(daemon.id(), outcome.pid);
    lab.wait_for("working", EVENT_TIMEOUT, |note| note.starts_with(&format!("was here {} ", daemon.id())));
    stop(&lab);
    nothing_left(&lab);
}

#[test]
fn send_reaches_the_handler() {
    let lab = lab();
    start(&lab, &["handle=USR2:note:handled"]);
    run(&lab, "send", &["signal=USR2"]).ok();
    lab.wait_for("handled", EVENT_TIMEOUT, |notes| notes.lines().count() == 1);
}

#[test]
fn reload_from_inside_works_as_from_outside() {
    let lab = lab();
    let daemon = start(&lab, &["body=reload_and_idle", "handle=HUP:note:reloaded", "attach=reloading:note:told"]);
    look_until("no reload", || !lab.read("reloaded").is_empty() && !lab.read("told").is_empty());
    assert!(daemon.alive());
    stop(&lab);
}

#[test]
fn reload_without_sighup_handler_is_refused() {
    let lab = lab();
    let daemon = start(&lab, &["body=reload_on_go", "default=HUP"]);
    let daemon = adopt(daemon);
    lab.write("go", "");
    ended(daemon, 4);
    let outside = run(&lab, "status", &["first=reload"]);
    assert!(outside.stderr.contains("failed to reload: this process is no daemon"), "{outside}");
}

#[test]
fn repeated_restart_from_inside_starts_one_daemon() {
    let lab = lab();
    let handler = "handle=USR1:restart_three_times";
    let first = start(&lab, &["body=note:bodies,idle", handler]);
    run(&lab, "send", &["signal=USR1"]).ok();
    lab.wait_for("bodies", EVENT_TIMEOUT, |notes| notes.lines().count() == 2);
    look_until("the first one lives", || !first.alive());
    // A superfluous start would report "already running" by now, or wait for the pidfile.
    run(&lab, "stop", &[]).ok();
    nothing_left(&lab);
    assert_eq!((lab.read("bodies").lines().count(), lab.read("asked").lines().count()), (2, 1));
}

#[test]
fn restart_after_stop_is_refused() {
    let lab = lab();
    run(&lab, "start", &["body=stop_and_restart", "stderr=log"]).ok();
    lab.wait_for("log", EVENT_TIMEOUT, |text| text.contains("failed to restart: it is to stop"));
    nothing_left(&lab);
    assert_eq!(lab.read("bodies").lines().count(), 1);
}
