//! The verb `logs`: the last lines, across rotated files, on a terminal and into a pipe.

use super::{file, lab, run, run_on_terminal};
use look::{Lab, USER_WITH_HOME};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{chown, symlink};

/// Returns a lab in which the log has this content.
fn lab_with_log(content: &str) -> Lab {
    let lab = lab();
    lab.make_directory("home/.local", USER_WITH_HOME, 0o755);
    lab.make_directory("home/.local/state", USER_WITH_HOME, 0o755);
    lab.write(&file("clilab", "log"), content);
    lab
}

/// Returns lines with these numbers.
fn lines(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|number| format!("line {number}\n")).collect()
}

#[test]
fn logs_prints_the_last_lines() {
    let lab = lab_with_log(&lines(1..=100));
    assert_eq!(run(&lab, &["logs"]).ok().stdout, lines(91..=100));
    assert_eq!(run(&lab, &["logs", "-n", "3"]).ok().stdout, lines(98..=100));
    assert_eq!(run(&lab, &["logs", "-n", "0"]).ok().stdout, "");
    assert_eq!(run(&lab, &["logs", "--lines", "all"]).ok().stdout, lines(1..=100));
    run(&lab, &["logs", "-n", "few"]).exits(2).says(&["not a number of lines, and not `all`"]);
}

#[test]
fn logs_reads_rotated_files_when_the_new_one_has_too_few_lines() {
    let lab = lab_with_log(&lines(21..=23));
    let rotated = |number: u32| file("clilab", &format!("log.{number}"));
    lab.write(&rotated(1), lines(11..=20));
    lab.write(&rotated(2), lines(1..=10));
    assert_eq!(run(&lab, &["logs", "-n", "2"]).ok().stdout, lines(22..=23));
    assert_eq!(run(&lab, &["logs", "-n", "5"]).ok().stdout, lines(19..=23));
    assert_eq!(run(&lab, &["logs", "-n", "15"]).ok().stdout, lines(9..=23));
    assert_eq!(run(&lab, &["logs", "-n", "all"]).ok().stdout, lines(1..=23));
}

#[test]
fn last_lines_of_a_log_of_ten_gigabytes_are_found_at_once() {
    let lab = lab_with_log("");
    let mut log = File::options().write(true).open(lab.path(&file("clilab", "log"))).expect("a file");
    log.seek(SeekFrom::Start(10 << 30)).expect("a hole");
    log.write_all(b"\nlast line\n").expect("room for a page");
    let printed = run(&lab, &["logs", "-n", "1"]).ok();
    assert_eq!(printed.stdout, "last line\n");
    assert!(printed.took.as_secs() < 10, "{printed}");
}

#[test]
fn logs_removes_escape_sequences_on_a_terminal_only() {
    let lab = lab_with_log("\x1b[31mred\x1b[0m\x1b]0;title\x07 \u{202e}end\x08\n");
    assert_eq!(run(&lab, &["logs"]).ok().stdout, "\x1b[31mred\x1b[0m\x1b]0;title\x07 \u{202e}end\x08\n");
    let shown = run_on_terminal(&lab, "logs").ok().stdout;
    assert!(shown.contains("red") && !shown.contains(['\x1b', '\x07', '\x08', '\u{202e}']), "{shown:?}");
    assert!(!shown.contains("[31m"), "{shown:?}");
}

#[test]
fn logs_ends_quietly_when_the_reader_of_a_pipe_has_ended() {
    let lab = lab_with_log(&lines(1..=200_000));
    let script = "\"$D\" logs -n all | head -n 1; echo \"${PIPESTATUS[0]}\"";
    let outcome = lab.shell_as_user(USER_WITH_HOME, script).env("PATH", "/usr/bin:/bin").run().ok();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("line 1\n0\n", ""));
}

#[test]
fn logs_refuses_links_and_special_files_and_says_what_is_missing() {
    let lab = lab_with_log("");
    let log = lab.path(&file("clilab", "log"));
    fs::remove_file(&log).expect("a file");
    run(&lab, &["logs"]).exits(2).says(&["there is no file", ".log`"]);
    nix::unistd::mkfifo(&log, nix::sys::stat::Mode::from_bits_truncate(0o644)).expect("a directory of ours");
    chown(&log, Some(USER_WITH_HOME), None).expect("root");
    run(&lab, &["logs"]).exits(5).says(&["it is not a regular file"]);
    fs::remove_file(&log).expect("a FIFO");
    symlink("/etc/shadow", &log).expect("a link");
    run(&lab, &["logs"]).exits(5).says(&["it is a symbolic link"]);
}
