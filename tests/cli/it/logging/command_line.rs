//! The option `--log-level` of the library's command line.

use super::{EVENT_TIMEOUT, PIDFILE, lab};
use look::{Lab, Outcome};
use nix::sys::signal::Signal;

/// Runs a verb of the helper's command line.
fn run(lab: &Lab, arguments: &[&str]) -> Outcome {
    lab.helper(arguments).env("LOGGING_LAB", "cli").env("RUST_LOG", "").run()
}

#[test]
fn log_level_of_start_and_of_reload_applies() {
    let lab = lab();
    run(&lab, &["start", "--log", "log", "--log-level", "warn"]).ok();
    let daemon = lab.daemon(PIDFILE);
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("a warning\n"));
    assert!(!log.contains("INFO"), "{log}");
    run(&lab, &["reload", "--log-level", "debug,hyper=off"]).ok().prints(&["logger: reloaded, pid"]);
    daemon.signal(Signal::SIGUSR1);
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("details by log\n"));
    assert!(log.contains("DEBUG request{id=7}: logging_lab::records: details\n") && !log.contains("hyper"), "{log}");
    run(&lab, &["stop"]).ok();
}

#[test]
fn log_level_that_is_none_or_has_no_effect_is_refused_with_the_reason() {
    let lab = lab();
    run(&lab, &["start", "--log-level", "inof"])
        .exits(2)
        .says(&["failed to set the log level `inof`: `inof` is not a level"]);
    assert!(!lab.path(PIDFILE).exists());
    run(&lab, &["start", "--log", "log", "--silent"]).ok();
    lab.daemon(PIDFILE);
    run(&lab, &["reload", "--log-level", "inof"]).exits(2).says(&["`inof` is not a level"]);
    run(&lab, &["reload", "--log-level", "debug"])
        .says(&["failed to reload", "has not called `daemon::logging::init`"]);
    assert!(!lab.path("d.pid.level").exists());
    run(&lab, &["stop"]).ok();
}
