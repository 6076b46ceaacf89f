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
    let lines: Vec<String> = numbers.map(|number| format!("line {number}\n")).collect();
    lines.concat()
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

/// Promise 11.06.
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

/// Promise 11.06.
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

/// Promise 11.06. The user of the daemon owns the directory of its log, and tries to have root print another file.
#[test]
fn root_prints_no_file_that_the_daemon_s_user_has_put_in_place_of_the_log() {
    let lab = lab();
    let script = r#"
        mount -t tmpfs none /var/lib && mount -t tmpfs -o mode=755 none /var/log
        echo secret >/var/lib/secret && chmod 600 /var/lib/secret
        "$D" start --run-as ada
        as_ada() { setpriv --reuid 4711 --regid 4711 --clear-groups -- "$@"; }
        log=/var/log/clilab/clilab.log
        until "$D" logs | grep port; do sleep 0.1; done
        "$D" logs; echo "status $?"
        as_ada rm "$log" && as_ada ln -s /var/lib/secret "$log"
        "$D" logs; echo "status $?"
        rm "$log" && ln /var/lib/secret "$log" 2>/dev/null || { cp /var/lib/secret "$log" && chmod 600 "$log"; }
        "$D" logs; echo "status $?"
        rm "$log" && as_ada mkfifo "$log"
        "$D" logs; echo "status $?"
        mv /var/log/clilab /var/log/other && mkdir /tmp/away.$$ && ln -s /tmp/away.$$ /var/log/clilab && chown -h ada /var/log/clilab
        "$D" logs; echo "status $?"
        rmdir /tmp/away.$$
        "$D" stop
    "#;
    let outcome = lab.shell_as_user(0, script).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").run().ok();
    let statuses: Vec<&str> = outcome.stdout.lines().filter(|line| line.starts_with("status ")).collect();
    assert_eq!(statuses, ["status 0", "status 5", "status 5", "status 5", "status 5"], "{outcome}");
    assert!(outcome.stdout.contains("port 8080\n") && !outcome.stdout.contains("secret"), "{outcome}");
    outcome.says(&["it is a symbolic link", "could have been put there by user `ada`", "it is not a regular file"]);
}
