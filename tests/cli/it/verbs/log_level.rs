//! The option `--log-level`: at the start, kept by a restart, and changed by a reload.

use super::{VERB_TIMEOUT, file, lab, run};
use look::Lab;

/// Has the daemon print its level.
fn assert_level(lab: &Lab, level: &str) {
    run(lab, &["send", "USR1"]).ok();
    let line = format!("level {level}\n");
    lab.wait_for(&file("clilab", "log"), VERB_TIMEOUT, |log| log.ends_with(&line));
}

#[test]
fn log_level_is_set_at_the_start_and_changed_by_reload() {
    let lab = lab();
    run(&lab, &["start", "--logging", "--log-level", "debug"]).ok();
    assert_level(&lab, "debug");
    run(&lab, &["reload", "--log-level", "warn"]).ok();
    assert_level(&lab, "warn");
    run(&lab, &["reload", "--log-level", "loud=="]).exits(2).says(&["loud=="]);
    assert_level(&lab, "warn");
    run(&lab, &["restart"]).ok();
    assert_level(&lab, "debug");
    // The level alone is no new set of arguments.
    run(&lab, &["restart", "--log-level=trace"]).ok().prints(&["--logging --log-level debug\n"]);
    assert_level(&lab, "trace");
    run(&lab, &["restart", "--log-level", "loud=="]).exits(2).says(&["loud=="]);
    assert_level(&lab, "trace");
    run(&lab, &["stop"]).ok();
}
