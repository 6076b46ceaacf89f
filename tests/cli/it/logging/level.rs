//! The level: which one applies first, and how it changes while the daemon runs.

use super::{EVENT_TIMEOUT, NOBODY, PIDFILE, lab, records_of, run, start, stop};
use std::fs;
use std::os::unix::fs::chown;

/// Returns the levels and targets in some lines, for comparison.
fn found(log: &str, texts: &[&str]) -> Vec<bool> {
    texts.iter().map(|text| log.contains(text)).collect()
}

const TEXTS: [&str; 4] = ["a warning", "ready port", "details\n", "of hyper"];

#[test]
fn level_is_that_of_set_level_then_of_the_environment_then_of_the_builder() {
    for (environment, settings, expected) in [
        ("", &[][..], [true, true, false, true]),
        ("", &["default=debug"], [true, true, true, true]),
        ("warn", &["default=debug"], [true, false, false, false]),
        ("warn", &["default=debug", "level=debug,hyper=off"], [true, true, true, false]),
        ("hyper=warn", &[], [true, true, false, false]),
        // A wrong value that does not apply harms nothing.
        ("loud", &["level=info"], [true, true, false, true]),
    ] {
        let lab = lab();
        lab.helper(&["start", "log=log"]).args(settings).env("RUST_LOG", environment).run().ok();
        lab.daemon(PIDFILE);
        let log = lab.read("log");
        assert_eq!(found(&log, &TEXTS), expected, "RUST_LOG={environment} {settings:?}:\n{log}");
        stop(&lab);
    }
}

#[test]
fn wrong_level_in_the_environment_fails_the_start_and_names_the_word() {
    let lab = lab();
    let outcome = lab.helper(&["start"]).env("RUST_LOG", "info,hyper=wran").run().exits(1);
    outcome.says(&["failed to set up logging: `RUST_LOG`: `wran` in `hyper=wran` is not a level"]);
    lab.quiet(EVENT_TIMEOUT).expect("no process");
}

#[test]
fn reload_with_a_level_reaches_the_daemon_and_leaves_no_file() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    assert_eq!(found(&records_of(&lab, daemon), &TEXTS), [true, true, false, true]);
    run(&lab, &["reload", "level=debug,hyper=off"]).ok().prints(&["reloaded pid"]);
    let records = records_of(&lab, daemon);
    assert_eq!(found(&records, &TEXTS), [true, true, true, false], "{records}");
    // Records of `log` follow as well.
    assert!(records.contains("DEBUG request{id=7}: old: details by log"), "{records}");
    run(&lab, &["reload", "level=loud"]).exits(1).says(&["`loud` is not a level"]);
    assert!(!lab.path("d.pid.level").exists() && !lab.path("d.pid.level.new").exists());
    stop(&lab);
}

#[test]
fn reload_by_root_reaches_a_daemon_that_has_changed_its_user() {
    let mut lab = lab();
    lab.bring_program();
    let daemon = start(&lab, &["user=nobody"]);
    // Whatever the umask of root's shell is.
    lab.shell("umask 077; $D reload level=debug").run().ok().prints(&["reloaded pid"]);
    let records = records_of(&lab, daemon);
    assert_eq!(found(&records, &TEXTS), [true; 4], "{records}");
    assert!(!lab.path("d.pid.level").exists());
    stop(&lab);
}

/// The reload itself succeeds in a daemon that knows nothing of levels; one without a logger refuses it.
#[test]
fn reload_with_a_level_that_has_no_effect_fails_with_the_reason() {
    for (word, reason) in [("deaf", "the daemon has not read it"), ("silent", "has not called `daemon::logging::init`")]
    {
        let lab = lab();
        start(&lab, &[word]);
        run(&lab, &["reload", "level=debug"]).exits(1).says(&["d.pid.level`: ", reason]);
        assert!(!lab.path("d.pid.level").exists());
        stop(&lab);
    }
}

/// Promise 11.15.
#[test]
fn level_file_of_another_user_is_not_obeyed_but_reported() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    let planted = lab.write("d.pid.level", "trace");
    chown(&planted, Some(NOBODY), None).unwrap();
    run(&lab, &["reload-only"]).ok();
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("failed to set the log level of"));
    assert!(log.contains("d.pid.level`: it belongs to user "), "{log}");
    assert_eq!(found(&records_of(&lab, daemon), &TEXTS), [true, true, false, true]);
    fs::remove_file(planted).unwrap();
    stop(&lab);
}

#[test]
fn layers_of_the_program_receive_what_the_level_lets_pass() {
    let lab = lab();
    let daemon = start(&lab, &["level=error", "first", "second"]);
    assert_eq!([lab.read("out/first"), lab.read("out/second")], ["ERROR\n", "ERROR\n"]);
    run(&lab, &["reload", "level=warn"]).ok();
    records_of(&lab, daemon);
    assert_eq!([lab.read("out/first"), lab.read("out/second")], ["ERROR\nERROR\nWARN\n", "ERROR\nERROR\nWARN\n"]);
    stop(&lab);
}

/// Promise 11.15.
#[test]
fn event_of_the_endpoint_reads_and_sets_the_level() {
    let lab = lab();
    let daemon = start(&lab, &["endpoint", "level=warn"]);
    run(&lab, &["event"]).ok().prints(&["\"level\":\"warn\""]);
    run(&lab, &["event", "level=debug,hyper=off"]).ok().prints(&["\"level\":\"debug,hyper=off\""]);
    assert_eq!(found(&records_of(&lab, daemon), &TEXTS), [true, true, true, false]);
    run(&lab, &["event", "level=loud"]).exits(1).says(&["`loud` is not a level"]);
    stop(&lab);
}
