//! Logs with timestamps: the time before each line, the end of the daemon, and a full disk.

use std::fs;
use std::time::Duration;

use look::Lab;
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, lab, needs, needs_root, run, start, stop};
use crate::log_rotation::files;

/// The time in which a daemon prints all lines of these tests, on a busy machine.
const PRINT_TIMEOUT: Duration = Duration::from_secs(60);

/// The most that a killed process loses: a pipe, and what its reader has not written yet.
const MAX_LOST_BYTES: usize = 64 * 1024 + 16 * 1024;

/// Returns a line without its time.
#[track_caller]
fn text(line: &str) -> &str {
    let (time, text) = line.split_once(' ').unwrap_or_else(|| panic!("no time in {line:?}"));
    let pattern = "0000-00-00T00:00:00.000Z";
    let is_time = time.len() == pattern.len()
        && time.chars().zip(pattern.chars()).all(|(letter, expected)| match expected {
            '0' => letter.is_ascii_digit(),
            _ => letter == expected,
        });
    assert!(is_time, "no time in {line:?}");
    text
}

/// Returns the lines of the log without their times.
#[track_caller]
fn lines(lab: &Lab) -> Vec<String> {
    lab.read("x.log").lines().map(|line| text(line).to_owned()).collect()
}

#[test]
fn each_line_begins_with_the_time_also_when_it_is_printed_in_parts() {
    let lab = lab();
    let body = "body=say:one\ntw,complain:err\n,say:o\n\n,complain:without end,note:printed,idle";
    start(&lab, &["log=x.log", "timestamps=true", body]);
    lab.wait_for("x.log", EVENT_TIMEOUT, |log| log.ends_with("without end"));
    stop(&lab);
    // Standard output is written line by line, standard error at once.
    assert_eq!(lines(&lab), ["one", "err", "two", "", "without end"]);
}

/// The files are larger than the maximum by no more than one line, and no line is split.
#[test]
fn files_with_timestamps_are_rotated_between_lines() {
    let lab = lab();
    fs::create_dir(lab.path("logs")).expect("a directory");
    let settings = ["log=logs/x.log", "timestamps=true", "max_size=8192", "keep=900"];
    start(&lab, &[&settings[..], &["body=print_lines_with_child:4:1000:100:0"]].concat());
    lab.wait_for("printed", PRINT_TIMEOUT, |text| !text.is_empty());
    stop(&lab);
    let files = files(&lab, "logs");
    assert!(files.len() > 70, "{} files", files.len());
    let mut next = std::collections::BTreeMap::new();
    for file in &files {
        let log = lab.read(file);
        assert!(log.len() <= 8192 + 150, "{file} has {} bytes", log.len());
        for line in log.lines() {
            let mut words = text(line).split(' ');
            let expected = next.entry(words.next().expect("a writer").to_owned()).or_insert(0);
            assert_eq!(words.next(), Some(&*expected.to_string()), "lost, doubled or out of order: {line:?}");
            *expected += 1;
        }
    }
    assert!(next.len() == 5 && next.values().all(|count| *count == 1000), "{next:?}");
}

/// Promise 11.08. The last output of a daemon is in its log when it has ended, however it ends by itself.
#[test]
fn output_until_the_end_is_in_the_log() {
    for (body, says) in [
        ("ask,say:bye\n", "bye"),
        ("ask,err:no paper", "no paper"),
        ("ask,panic:no ink", "no ink"),
        ("ask,say:leaving\n,exit:3", "leaving"),
    ] {
        let lab = lab();
        // The pipe is almost full before that: its reader needs several reads.
        let body = body.replace("ask,", &format!("ask,say:{}\n,", "x".repeat(60_000)));
        let start = lab.helper(&["start", "pidfile=d.pid", "log=x.log", "timestamps=true"]);
        start.arg(format!("body={body}")).run().ok();
        lab.quiet(EVENT_TIMEOUT).expect("it ends by itself");
        let lines = lines(&lab);
        assert!(lines.iter().any(|line| line.contains(says)), "{says}: {} lines", lines.len());
    }
}

/// A start that fails shows where the output of its body is, and the output is there.
#[test]
fn output_of_a_failed_start_is_in_the_log() {
    let lab = lab();
    run(&lab, "start", &["log=x.log", "timestamps=true", "body=say:reading\n,err:no paper"]).exits(4);
    assert_eq!(lines(&lab), ["reading"]);
}

/// Until the daemon is ready, its launcher writes the log.
#[test]
fn output_before_the_daemon_is_ready_has_timestamps() {
    let lab = lab();
    start(
        &lab,
        &["log=x.log", "timestamps=true", "ready=manual", "body=complain:reading\n,ready,complain:ready\n,idle"],
    );
    lab.wait_for("x.log", EVENT_TIMEOUT, |log| log.ends_with("ready\n"));
    stop(&lab);
    assert_eq!(lines(&lab), ["reading", "ready"]);
}

/// Promise 11.08.
#[test]
fn killed_daemon_loses_no_more_than_a_pipe() {
    let lab = lab();
    let daemon = start(&lab, &["log=x.log", "timestamps=true", "body=print_lines:1:1000000:100:0"]);
    lab.wait_for("x.log", EVENT_TIMEOUT, |log| log.len() > 100_000);
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("SIGKILL");
    let accepted = fs::read(lab.path("accepted")).expect("a file");
    let accepted = usize::try_from(u64::from_le_bytes(accepted.try_into().expect("8 bytes"))).expect("a few lines");
    let log = lab.read("x.log");
    let written = log.lines().filter(|line| line.ends_with('x')).count();
    assert!(written <= accepted + 1);
    assert!((accepted - written.min(accepted)) * 100 <= MAX_LOST_BYTES, "{written} of {accepted} lines");
}

/// Promise 11.08.
/// The disk is full: the daemon is not blocked, says how much was lost when there is room again, and `status` shows a warning
/// meanwhile.
#[test]
fn full_disk_does_not_block_the_daemon() {
    needs_root();
    needs(&["unshare", "mount"]);
    let lab = lab();
    fs::create_dir(lab.path("logs")).expect("a directory");
    let script = "mount -t tmpfs -o size=64k none logs \
         && $D start pidfile=d.pid log=logs/x.log timestamps=true handle=HUP:complain:again \
            body=print_lines:1:2000:100:300 \
         && until [ -e printed ]; do sleep 0.02; $D status pidfile=d.pid > seen; done \
         && cp logs/x.log before && : > logs/x.log && kill -HUP $(head -n 1 d.pid) \
         && until grep -q again logs/x.log; do sleep 0.02; done && cp logs/x.log after && $D stop pidfile=d.pid";
    lab.command("unshare", &["--mount", "bash", "-c", script]).env("D", lab.program()).within(PRINT_TIMEOUT).run().ok();
    let seen = lab.read("seen");
    assert!(
        seen.contains("failed to write the log `") && seen.contains("no space left on device; output is lost"),
        "{seen}"
    );
    let printed = lab.read("before").lines().count();
    assert!((300..2000).contains(&printed), "{printed} lines on a full disk");
    let after = lab.read("after");
    let lost = after.lines().filter(|line| line.ends_with(" bytes of output were lost here]")).count();
    assert_eq!(lost, 1, "{after}");
}
