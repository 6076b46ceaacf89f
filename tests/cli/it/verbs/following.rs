//! The verb `logs -f`: new lines, across rotations and truncations.

use super::{VERB_TIMEOUT, file, lab};
use look::{Lab, USER_WITH_HOME};
use nix::sys::signal::Signal;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{chown, symlink};

/// The output of the follower.
const PRINTED: &str = "home/printed";

/// Follows the log until `scenario` has returned, and ends the follower.
fn followed(content: &str, scenario: impl FnOnce(&Lab, &str)) {
    let lab = lab();
    lab.make_directory("home/.local", USER_WITH_HOME, 0o755);
    lab.make_directory("home/.local/state", USER_WITH_HOME, 0o755);
    let log = file("clilab", "log");
    if !content.is_empty() {
        lab.write(&log, content);
    }
    lab.write(PRINTED, "");
    chown(lab.path(PRINTED), Some(USER_WITH_HOME), None).expect("root");
    let follower = lab.shell_as_user(USER_WITH_HOME, "exec \"$D\" logs -f > home/printed").spawn();
    scenario(&lab, &log);
    follower.signal(Signal::SIGINT);
    let outcome = follower.finish();
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (130, ""), "{outcome}");
}

fn append(lab: &Lab, name: &str, text: &str) {
    let mut file = File::options().append(true).create(true).open(lab.path(name)).expect("a file");
    file.write_all(text.as_bytes()).expect("room");
}

#[track_caller]
fn printed(lab: &Lab, expected: &str) {
    lab.wait_for(PRINTED, VERB_TIMEOUT, |text| text == expected);
}

#[test]
fn follower_prints_lines_as_they_are_written() {
    followed("old\n", |lab, log| {
        printed(lab, "old\n");
        append(lab, log, "new\n");
        printed(lab, "old\nnew\n");
        append(lab, log, "half");
        printed(lab, "old\nnew\nhalf");
    });
}

#[test]
fn follower_goes_on_beside_a_rotated_file_that_is_not_believed() {
    followed("old\n", |lab, log| {
        printed(lab, "old\n");
        symlink("/etc/shadow", lab.path(&format!("{log}.1"))).expect("a link");
        fs::rename(lab.path(log), lab.path(&format!("{log}.2"))).expect("the same directory");
        append(lab, log, "new\n");
        printed(lab, "old\nnew\n");
    });
}

#[test]
fn follower_waits_for_a_log_that_does_not_exist_yet() {
    followed("", |lab, log| {
        append(lab, log, "first\n");
        printed(lab, "first\n");
    });
}

/// Promise 11.06.
#[test]
fn follower_loses_no_line_across_rotations() {
    followed("0\n", |lab, log| {
        printed(lab, "0\n");
        let mut expected = "0\n".to_owned();
        for round in 1..=20 {
            let name = |number: u32| format!("{log}.{number}");
            // The last lines of the old file are written after it has its new name.
            append(lab, log, &format!("{round} before\n"));
            let _ = fs::rename(lab.path(&name(1)), lab.path(&name(2)));
            let mut old = File::options().append(true).open(lab.path(log)).expect("a file");
            fs::rename(lab.path(log), lab.path(&name(1))).expect("a file");
            writeln!(old, "{round} behind").expect("room");
            append(lab, log, &format!("{round} new\n"));
            let _ = write!(expected, "{round} before\n{round} behind\n{round} new\n");
            // Every fifth time, the follower has caught up; otherwise it may find several rotations at once.
            if round % 5 == 0 || round % 2 == 0 {
                printed(lab, &expected);
            }
        }
    });
}

/// Promise 11.06.
#[test]
fn follower_begins_again_when_the_log_is_truncated() {
    followed("a long first line\n", |lab, log| {
        printed(lab, "a long first line\n");
        File::options().write(true).open(lab.path(log)).expect("a file").set_len(0).expect("a file");
        append(lab, log, "b\n");
        printed(lab, "a long first line\nb\n");
    });
}
