//! The library's records in the `log` crate.

use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, each, lab, nothing_left};

/// Promise 1.41. Each record is logged in the process that it is about, and stages are logged when they are done.
#[test]
fn start_second_launch_and_stop_are_recorded_where_they_happen() {
    let lab = lab();
    let verb = |verb: &str, log: &str, settings: &[&str]| {
        lab.helper(&[verb, "pidfile=d.pid"]).args(settings).env("LAB_LOG", log).run()
    };
    let daemon = verb("start", "log", &["ready=manual", "replace=Umask:note:hook", "body=ready,idle"]).ok();
    let daemon = daemon.number("started");
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("runs as pid") && log.contains("started as pid"));
    let of_daemon: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix(&format!("{daemon} "))).collect();
    let stages =
        "Detach, CoreDumps, Identity, Umask (replaced), WorkingDirectory, PidFile, Signals, Descriptors, Stdio";
    let expected = [format!("DEBUG lab: stages done: {stages}"), format!("INFO lab: runs as pid {daemon}")];
    assert_eq!(of_daemon, expected);
    let of_launcher: Vec<&str> = log.lines().filter(|line| !line.starts_with(&format!("{daemon} "))).collect();
    assert_eq!(of_launcher.len(), 2, "{log}");
    assert!(of_launcher[0].ends_with(" DEBUG lab: starting"), "{log}");
    assert!(of_launcher[1].ends_with(&format!(" INFO lab: started as pid {daemon}")), "{log}");

    verb("start", "second", &[]).exits(3);
    let second = lab.read("second");
    let told = format!(" INFO lab: second launch: already running as pid {daemon} (pidfile `");
    assert!(second.contains(&told), "{second}");

    verb("send", "sent", &["signal=HUP"]).ok();
    assert!(lab.read("sent").ends_with(" DEBUG lab: sent SIGHUP\n"));
    verb("stop", "stopped", &[]).ok();
    assert!(lab.read("stopped").ends_with(&format!(" INFO lab: stopped pid {daemon}\n")));
    let log = lab.read("log");
    assert!(log.contains(&format!("{daemon} INFO lab: ends with status 0\n")), "{log}");
    nothing_left(&lab);
}

/// Promise 1.41. The body stays until the record of the stop is there.
#[test]
fn stop_signal_is_recorded_when_it_comes() {
    let lab = lab();
    let settings = ["start", "pidfile=d.pid", "body=idle,await:go"];
    lab.helper(&settings).env("LAB_LOG", "log").run().ok();
    lab.daemon(PIDFILE).signal(Signal::SIGTERM);
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains(" INFO lab: is to stop\n"));
    lab.write("go", "");
    nothing_left(&lab);
}

/// Promise 1.41. Long before the end of the grace of 10 s, which a hanging body would have.
#[test]
fn logger_that_hangs_at_the_end_keeps_no_daemon_from_it() {
    each(["idle", "hang", "stop_itself", "pause:1"], |body| {
        let lab = lab();
        let settings = ["start", "pidfile=d.pid", "grace=60000", &format!("body={body}")];
        lab.helper(&settings).env("LAB_LOG", "log.hang").run().ok();
        if ["idle", "hang"].contains(&body) {
            lab.helper(&["stop", "pidfile=d.pid"]).run().ok().prints(&["stopped pid"]);
        }
        nothing_left(&lab);
    });
}

/// Promise 1.41.
#[test]
fn logger_that_panics_costs_neither_start_nor_stop() {
    let lab = lab();
    let verb = |verb: &str| lab.helper(&[verb, "pidfile=d.pid"]).env("LAB_LOG", "log.panic").run();
    verb("start").ok().says(&["a logger that panics"]);
    lab.daemon(PIDFILE).signal(Signal::SIGTERM);
    nothing_left(&lab);
    verb("stop").ok().prints(&["not running"]);
}
