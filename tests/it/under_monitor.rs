//! Daemons that a monitor starts, which receive the time that they have to stop.

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, nothing_left, stop};
use look::Outcome;
use nix::sys::signal::Signal;

/// Runs a daemon whose body does not end by itself, as the child of a shell with a monitor's variables, and stops it.
#[track_caller]
fn stopped(environment: &str, settings: &str) -> Outcome {
    let lab = lab();
    let script = format!(
        "{environment} \"$D\" start pidfile={PIDFILE} {settings} body=note_child_ask_and_hang:child & wait $!; echo \"ended $?\""
    );
    let shell = lab.shell(&script).spawn();
    lab.wait_for("up", EVENT_TIMEOUT, |text| text.ends_with('\n'));
    let child = lab.read("child");
    assert!(!child.contains("DAEMON_STOP_TIMEOUT"), "told to a child: {child}");
    lab.daemon(PIDFILE).signal(Signal::SIGTERM);
    let outcome = shell.finish();
    nothing_left(&lab);
    outcome
}

/// Promise 1.30.
#[test]
fn default_grace_is_shorter_than_the_monitors_timeout() {
    // In the second case, the default of 10 s would exceed this `stop_timeout`, but is not in effect.
    for (seconds, settings, grace) in [("1", "", "800ms"), ("0.5", "stop_timeout=5000", "400ms")] {
        let ended = stopped(&format!("DAEMON_MONITOR=$$ DAEMON_STOP_TIMEOUT={seconds}"), settings);
        ended.says(&[&format!("did not end within its grace of {grace}, and was ended")]).prints(&["ended 1\n"]);
    }
}

/// Promise 1.30.
#[test]
fn grace_that_is_set_stays_and_is_warned_of() {
    let ended = stopped("DAEMON_MONITOR=$$ DAEMON_STOP_TIMEOUT=0.25", "grace=500");
    ended.says(&["within its `grace` of 500ms", "did not end within its grace of 500ms, and was ended"]);
}

/// Promise 1.30.
#[test]
fn invalid_stop_timeout_variable_is_ignored() {
    let ended = stopped("DAEMON_MONITOR=$$ DAEMON_STOP_TIMEOUT=-3", "grace=500");
    ended.says(&[
        "ignoring `DAEMON_STOP_TIMEOUT` \"-3\": it is not a positive number of seconds, such as `10` or `0.5`",
    ]);
    // Inherited from a bot that is another process.
    let ended = stopped("DAEMON_MONITOR=1 DAEMON_STOP_TIMEOUT=0.1", "detach=never grace=500");
    assert!(ended.stderr.contains("its grace of 500ms") && !ended.stderr.contains("0.1"), "{ended}");
}

/// Promise 6.35. The monitor watches the shell, which leads the session that the monitor created.
#[test]
fn daemon_that_detaches_from_a_shell_below_a_monitor_warns() {
    for (command, warns) in [
        ("DAEMON_MONITOR=$$ setsid sh -c '\"$D\" start pidfile=d.pid; true'; exit $?", true),
        ("DAEMON_MONITOR=1 setsid sh -c '\"$D\" start pidfile=d.pid; true'; exit $?", false),
        ("setsid sh -c '\"$D\" start pidfile=d.pid; true'; exit $?", false),
    ] {
        let lab = lab();
        let outcome = lab.shell(command).run().ok();
        let warning = "detaching from `sh`, which a monitor supervises: when `sh` ends, the monitor ends this daemon \
                       (write `exec` before the program's name there, or set `detach = never`)";
        assert_eq!(outcome.stderr.contains(warning), warns, "{outcome}");
        stop(&lab);
        nothing_left(&lab);
    }
}
