//! External tools that manage a daemon: start-stop-daemon, monit, logrotate.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use look::{Lab, Outcome, Run};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, lab, needs, needs_root, nothing_left, run, start, times};

/// Promise 2.01. dpkg's `start-stop-daemon` reads the pidfile, trusts it (it refuses files that others could have
/// written), and stops the daemon.
#[test]
fn start_stop_daemon_trusts_the_pidfile() {
    needs(&["start-stop-daemon"]);
    needs_root();
    let lab = lab();
    let daemon = start(&lab, &[]);
    dpkg(&lab, &["--stop", "--test"]).ok().prints(&[&daemon.id().to_string()]);
    let stop = dpkg_call(&lab, &["--stop", "--retry", "TERM/10/KILL/5"]).spawn();
    // Reaped as by a good init: `start-stop-daemon` takes a zombie for alive.
    adopt(daemon).died(EVENT_TIMEOUT).expect("it was told to stop");
    stop.finish().ok();
    nothing_left(&lab);
}

/// Promise 1.16. Running, dead with a pidfile, and not there: `status` reports the same as `start-stop-daemon
/// --status`.
#[test]
fn start_stop_daemon_reports_the_same_as_status() {
    needs(&["start-stop-daemon"]);
    let lab = lab();
    let both = |code: i32| {
        dpkg(&lab, &["--status"]).exits(code);
        run(&lab, "status", &[]).exits(code);
    };
    both(3);
    let daemon = start(&lab, &[]);
    both(0);
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("SIGKILL ends it");
    both(1);
    run(&lab, "stop", &[]).ok();
    both(3);
}

/// Promise 6.15. `monit` notices by the pidfile that the daemon was killed, and starts it again within three of its
/// cycles; also after a slow init has left the zombie for one cycle, which `monit` takes for running.
#[test]
fn monit_restarts_a_killed_daemon() {
    needs(&["monit"]);
    needs_root();
    let lab = lab();
    let here = lab.directory().display();
    let program = lab.program().display();
    let configuration = format!(
        "set daemon 1\nset log {here}/monit.log\nset idfile {here}/monit.id\nset statefile {here}/monit.state\n\
         set pidfile {here}/monit.pid\ncheck process lab with pidfile {here}/{PIDFILE}\n \
         start program = \"{program} start pidfile={here}/{PIDFILE}\" with timeout 30 seconds\n"
    );
    let configuration = lab.write("monitrc", configuration);
    fs::set_permissions(&configuration, fs::Permissions::from_mode(0o600)).expect("a file of ours");
    let first = adopt(start(&lab, &[]));
    let monit = lab.command("monit", &["-Iv", "-c"]).arg(&configuration).spawn();
    // monit prints this in every cycle.
    let alive = "'lab' process is running with pid";
    lab.wait_for("monit.log", EVENT_TIMEOUT, |log| log.contains(alive));
    first.signal(Signal::SIGKILL);
    let zombie = "'lab' process with pid";
    lab.wait_for("monit.log", EVENT_TIMEOUT, |log| log.contains(zombie));
    let before = lab.read("monit.log").matches(alive).count();
    first.died(EVENT_TIMEOUT).expect("SIGKILL ends it");
    let is_another = |text: &str| text.lines().next().is_some_and(|pid| pid != first.id().to_string());
    lab.wait_for(PIDFILE, EVENT_TIMEOUT, is_another);
    let daemon = lab.daemon(PIDFILE);
    assert!(daemon.alive() && daemon != first);
    let log = lab.read("monit.log");
    let (cycles, _) = log.split_once("'lab' trying to restart").expect("it says what it does");
    let waited = cycles.matches(alive).count() - before;
    assert!(waited < 3 && cycles.matches("'lab' process is not running").count() == 1, "{log}");
    run(&lab, "status", &[]).ok();
    monit.signal(Signal::SIGTERM);
    monit.finish();
    run(&lab, "stop", &[]).ok();
    nothing_left(&lab);
}

/// Promise 2.15. A daemon prints numbers as fast as it can while its log is rotated: no line is lost or doubled.
#[test]
fn logrotate_neither_loses_nor_doubles_lines() {
    needs(&["logrotate"]);
    needs_root();
    let lab = lab();
    let rotations = times(3, 10);
    let configuration = format!(
        "{0}/log {{\n rotate 99\n nocompress\n nocreate\n postrotate\n kill -HUP $(head -n 1 {0}/{PIDFILE})\n endscript\n}}\n",
        lab.directory().display()
    );
    let configuration = lab.write("logrotate.conf", configuration);
    fs::set_permissions(configuration, fs::Permissions::from_mode(0o644)).expect("a file of ours");
    start(&lab, &["stdout=log", "step=count", "every=1"]);
    for _ in 0..rotations {
        lab.wait_for("log", EVENT_TIMEOUT, |log| log.lines().count() > 20);
        lab.command("logrotate", &["--force", "--state", "state", "logrotate.conf"]).run().ok();
        // The daemon has closed the old file once there is a new one.
        lab.wait_for("log", EVENT_TIMEOUT, |log| !log.is_empty());
    }
    run(&lab, "stop", &[]).ok();
    let older = (1..=rotations).rev().map(|number| lab.read(&format!("log.{number}")));
    let all: String = older.chain([lab.read("log")]).collect();
    let numbers: Vec<usize> = all.lines().map(|line| line.parse().expect("a whole line")).collect();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "lines are lost, doubled or out of order");
}

/// Promise 2.15. The log exists at the first check and has been moved away at the second.
#[test]
fn log_rotated_while_it_is_opened_is_created() {
    needs(&["strace"]);
    let lab = lab();
    let inject = "inject=openat:error=EEXIST:when=1";
    let strace = ["-qq", "-o", "trace", "-P", "log", "-e", "trace=openat", "-e", inject];
    let start = ["start", "pidfile=d.pid", "stdout=log", "body=say:1\n,idle"];
    lab.command("strace", &strace).arg(lab.program()).args(start).run().ok();
    assert!(lab.read("trace").contains("INJECTED"), "{}", lab.read("trace"));
    lab.wait_for("log", EVENT_TIMEOUT, |log| log == "1\n");
}

fn dpkg(lab: &Lab, arguments: &[&str]) -> Outcome {
    dpkg_call(lab, arguments).run()
}

fn dpkg_call<'lab>(lab: &'lab Lab, arguments: &[&str]) -> Run<'lab> {
    lab.command("start-stop-daemon", arguments).args(["--pidfile", PIDFILE])
}
