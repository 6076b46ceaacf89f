//! The option `--log-level` of the library's command line.

use super::EVENT_TIMEOUT;
use look::{Lab, Outcome, USER_WITH_HOME};
use nix::sys::signal::Signal;
use std::fs;

/// Returns a lab with users whose homes are in it: files of a daemon of this name are found by no other test.
fn lab() -> Lab {
    let mut lab = super::lab();
    lab.bring_program();
    lab.make_test_users();
    lab
}

/// Runs a verb of the helper's command line as the user.
fn run(lab: &Lab, arguments: &[&str]) -> Outcome {
    lab.as_user(USER_WITH_HOME, arguments).env("LOGGING_LAB", "cli").env("RUST_LOG", "").run()
}

/// Returns the path of a file of the daemon in the lab.
fn file(ending: &str) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    format!("home/.local/state/logger@{}.{ending}", host.trim_end())
}

#[test]
fn log_level_of_start_and_of_reload_applies() {
    let (lab, log) = (lab(), file("log"));
    run(&lab, &["start", "--log-level", "warn"]).ok();
    let daemon = lab.daemon(&file("pid"));
    let text = lab.wait_for(&log, EVENT_TIMEOUT, |text| text.contains("a warning\n"));
    assert!(!text.contains("INFO"), "{text}");
    run(&lab, &["reload", "--log-level", "debug,hyper=off"]).ok().prints(&["logger: reloaded, pid"]);
    daemon.signal(Signal::SIGUSR1);
    let text = lab.wait_for(&log, EVENT_TIMEOUT, |text| text.contains("details by log\n"));
    assert!(text.contains("DEBUG request{id=7}: logging_lab::records: details\n") && !text.contains("hyper"), "{text}");
    run(&lab, &["stop"]).ok();
}

#[test]
fn log_level_that_is_none_or_has_no_effect_is_refused_with_the_reason() {
    let lab = lab();
    let refused = run(&lab, &["start", "--log-level", "inof"]).exits(2);
    refused.says(&["failed to set the log level `inof`: `inof` is not a level"]);
    assert!(!lab.path(&file("pid")).exists());
    run(&lab, &["start", "--silent"]).ok();
    lab.daemon(&file("pid"));
    run(&lab, &["reload", "--log-level", "inof"]).exits(2).says(&["`inof` is not a level"]);
    let refused = run(&lab, &["reload", "--log-level", "debug"]);
    refused.says(&["failed to reload", "has not called `daemon::logging::init`"]);
    assert!(!lab.path(&file("pid.level")).exists());
    run(&lab, &["stop"]).ok();
}
