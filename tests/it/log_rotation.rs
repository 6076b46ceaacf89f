//! Bounded logs: rotation by the daemon itself, while it prints, is killed, or shares the log with other programs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::thread::sleep;
use std::time::Duration;

use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, needs, needs_root, start, stop, times};

/// The time in which a daemon prints all lines of these tests, on a busy machine.
const PRINT_TIMEOUT: Duration = Duration::from_secs(60);

/// Starts a daemon with a bounded log in a directory of its own.
fn start_bounded(lab: &Lab, settings: &[&str]) -> Process {
    fs::create_dir(lab.path("logs")).expect("a directory");
    let mut all = vec!["log=logs/x.log"];
    all.extend(settings);
    start(lab, &all)
}

/// Returns the log and its old files, the oldest one first.
pub(crate) fn files(lab: &Lab, directory: &str) -> Vec<String> {
    let entries = fs::read_dir(lab.path(directory)).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut files: Vec<(u32, String)> = names
        .map(|name| {
            let number = name.strip_prefix("x.log").expect("a log").trim_start_matches('.');
            (number.parse().unwrap_or(0), format!("{directory}/{name}"))
        })
        .collect();
    files.sort_by(|left, right| right.cmp(left));
    files.into_iter().map(|(_, path)| path).collect()
}

/// Returns the numbers that each writer printed, in their order in the files.
#[track_caller]
pub(crate) fn numbers(lab: &Lab, directory: &str) -> BTreeMap<String, Vec<u64>> {
    let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for file in files(lab, directory) {
        let text = lab.read(&file);
        assert!(text.is_empty() || text.ends_with('\n'), "{file} ends within a line");
        for line in text.lines() {
            let mut words = line.split(' ');
            let writer = words.next().unwrap_or_default().to_owned();
            let number = words.next().and_then(|number| number.parse().ok());
            numbers.entry(writer).or_default().push(number.unwrap_or_else(|| panic!("{file}: {line:?}")));
        }
    }
    numbers
}

/// Asserts that a writer's lines are the numbers from 0 on, each once and in order. Returns how many there are.
#[track_caller]
fn complete(writer: &str, numbers: &[u64]) -> u64 {
    let count = numbers.len() as u64;
    let gap = numbers.iter().zip(0..count).find(|(number, expected)| **number != *expected);
    assert_eq!(gap, None, "lines of {writer} are lost, doubled or out of order");
    count
}

/// Promise 11.07. Reopens the log with SIGHUP meanwhile. The child keeps the file that was the log when it was started.
#[test]
fn rotation_loses_no_line_of_threads_and_a_child_and_keeps_their_order() {
    let lab = lab();
    let body = "body=print_lines_with_child:4:3000:100:100";
    let daemon = start_bounded(&lab, &["max_size=16384", "keep=500", body]);
    let deadline = Deadline::after(PRINT_TIMEOUT);
    while !lab.path("printed").exists() && !deadline.passed() {
        daemon.signal(Signal::SIGHUP);
        sleep(Duration::from_millis(7));
    }
    stop(&lab);
    let numbers = numbers(&lab, "logs");
    assert_eq!(numbers.len(), 5, "{:?}", numbers.keys());
    for (writer, numbers) in &numbers {
        assert_eq!(complete(writer, numbers), 3000, "lines of {writer}");
    }
    let rotations = files(&lab, "logs").len() - 1;
    assert!(rotations >= 20, "{rotations} rotations");
}

/// Promise 11.07.
#[test]
fn line_that_was_accepted_survives_sigkill_at_any_moment_of_a_rotation() {
    let lab = lab();
    for moment in 0..times(16, 200) {
        // Of lines that never cross a page: the kernel cuts a write(2) between two pages when the process is killed in it.
        let body = "body=print_lines:2:1000000:64:0";
        let daemon = start_bounded(&lab, &["max_size=4096", "keep=900", "ready=entered", body]);
        lab.wait_for("logs/x.log.2", EVENT_TIMEOUT, |log| !log.is_empty());
        sleep(Duration::from_micros(500 * moment as u64 + 137 * (moment as u64 % 7)));
        daemon.signal(Signal::SIGKILL);
        daemon.died(EVENT_TIMEOUT).expect("SIGKILL");
        let accepted = fs::read(lab.path("accepted")).unwrap_or_default();
        let numbers = numbers(&lab, "logs");
        for (writer, accepted) in accepted.chunks(8).enumerate() {
            let accepted = u64::from_le_bytes(accepted.try_into().expect("8 bytes"));
            let printed = numbers.get(&writer.to_string()).map_or(0, |numbers| complete("a writer", numbers));
            // The process may be killed between write(2) and the note about it.
            assert!((accepted..=accepted + 1).contains(&printed), "{printed} lines of {accepted}, moment {moment}");
        }
        fs::remove_dir_all(lab.path("logs")).expect("a directory");
        let _ = fs::remove_file(lab.path("accepted"));
    }
}

#[test]
fn log_that_is_not_written_wakes_no_thread() {
    let lab = lab();
    let daemon = start_bounded(&lab, &["max_size=4096", "body=print_bytes:10000:100"]);
    lab.wait_for("logs/x.log.1", EVENT_TIMEOUT, |log| log.len() > 4096);
    let threads = daemon.threads();
    assert!(threads.iter().any(|thread| thread.status("Name").is_some_and(|name| name == "daemon-rotate")));
    let switches = || -> Vec<_> { threads.iter().map(|thread| thread.status("voluntary_ctxt_switches")).collect() };
    // The thread may still be in its last pause.
    sleep(Duration::from_millis(200));
    let before = switches();
    sleep(Duration::from_millis(400));
    assert_eq!(switches(), before, "a thread woke up");
}

#[test]
fn only_the_old_files_that_are_to_be_kept_are_there() {
    for (keep, expected) in [(0, 1), (1, 2), (3, 4)] {
        let lab = lab();
        start_bounded(&lab, &["max_size=4096", &format!("keep={keep}"), "body=print_lines:1:600:100:100"]);
        lab.wait_for("printed", PRINT_TIMEOUT, |text| !text.is_empty());
        stop(&lab);
        let files = files(&lab, "logs");
        assert_eq!(files.len(), expected, "{files:?}");
        // The newest lines are there, without a gap. The last rotation may have been the end of all.
        let numbers = numbers(&lab, "logs").remove("0").unwrap_or_default();
        if keep == 0 && numbers.is_empty() {
            continue;
        }
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
        assert_eq!(numbers.last(), Some(&599));
    }
}

/// logrotate's `create`: another program moves the log, makes a new one, and sends SIGHUP.
#[test]
fn log_that_another_program_has_moved_is_not_renamed_again() {
    let lab = lab();
    start_bounded(&lab, &["max_size=8192", "keep=5", "body=print_lines:1:1500:100:200"]);
    lab.wait_for("logs/x.log", EVENT_TIMEOUT, |log| !log.is_empty());
    let inode = fs::metadata(lab.path("logs/x.log")).expect("a log").ino();
    fs::rename(lab.path("logs/x.log"), lab.path("x.log.moved")).expect("a log");
    // Without SIGHUP the daemon goes on with the moved file until that exceeds the maximum, and opens a new log then.
    lab.wait_for("logs/x.log", EVENT_TIMEOUT, |log| !log.is_empty());
    assert_eq!(fs::metadata(lab.path("x.log.moved")).expect("a log").ino(), inode, "the moved file was renamed");
    lab.wait_for("printed", PRINT_TIMEOUT, |text| !text.is_empty());
    stop(&lab);
}

/// Promise 2.15. logrotate with `create` moves the log elsewhere, while the daemon rotates it as well.
#[test]
fn logrotate_and_rotation_neither_lose_nor_double_lines() {
    needs(&["logrotate"]);
    needs_root();
    let lab = lab();
    let configuration = format!(
        "{0}/logs/x.log {{\n rotate 99\n olddir {0}/old\n create\n postrotate\n kill -HUP $(head -n 1 {0}/{PIDFILE})\n endscript\n}}\n",
        lab.directory().display()
    );
    let configuration = lab.write("logrotate.conf", configuration);
    fs::set_permissions(configuration, fs::Permissions::from_mode(0o644)).expect("a file of ours");
    fs::create_dir(lab.path("old")).expect("a directory");
    start_bounded(&lab, &["max_size=16384", "keep=900", "body=print_lines:1:5000:100:100"]);
    for _ in 0..5 {
        lab.wait_for("logs/x.log", EVENT_TIMEOUT, |log| !log.is_empty());
        // Fails if the daemon rotates the log at this moment.
        lab.command("logrotate", &["--force", "--state", "state", "logrotate.conf"]).run();
    }
    lab.wait_for("printed", PRINT_TIMEOUT, |text| !text.is_empty());
    stop(&lab);
    let (moved, rotated) = (files(&lab, "old").len(), files(&lab, "logs").len());
    assert!(moved > 0 && moved + rotated > 5, "{moved} files were moved, {rotated} are there");
    let mut all: Vec<u64> =
        ["logs", "old"].iter().filter_map(|place| numbers(&lab, place).remove("0")).flatten().collect();
    all.sort_unstable();
    assert_eq!(complete("the daemon", &all), 5000);
}

/// logrotate with `copytruncate`: the file is truncated under the daemon, which appends.
#[test]
fn log_that_is_truncated_meanwhile_is_still_rotated() {
    let lab = lab();
    start_bounded(&lab, &["max_size=8192", "keep=900", "body=print_lines:1:2000:100:200"]);
    for _ in 0..6 {
        let log = fs::File::options().write(true).open(lab.path("logs/x.log"));
        let _ = log.and_then(|log| log.set_len(0));
        sleep(Duration::from_millis(40));
    }
    lab.wait_for("printed", PRINT_TIMEOUT, |text| !text.is_empty());
    stop(&lab);
    let numbers = &numbers(&lab, "logs")["0"];
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "doubled or out of order");
    assert!(numbers.len() > 200, "{} lines", numbers.len());
    let files = files(&lab, "logs");
    assert!(files.len() > 3, "{files:?}");
    assert!(files.iter().all(|file| !lab.read(file).starts_with('\0')), "a hole was left");
}

/// An operator has opened the log for a group; so is the next file.
#[test]
fn new_file_has_the_mode_of_the_old_one() {
    let lab = lab();
    fs::create_dir(lab.path("logs")).expect("a directory");
    fs::set_permissions(lab.write("logs/x.log", ""), fs::Permissions::from_mode(0o664)).expect("ours");
    start(&lab, &["log=logs/x.log", "max_size=4096", "body=print_bytes:9000:90"]);
    lab.wait_for("logs/x.log.1", EVENT_TIMEOUT, |log| !log.is_empty());
    stop(&lab);
    assert_eq!(fs::metadata(lab.path("logs/x.log")).expect("a log").mode() & 0o7777, 0o664);
}
