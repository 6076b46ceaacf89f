//! Bounded logs that cannot be rotated, are attacked by other users, or shared by two daemons.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::time::Duration;

use look::{Deadline, Lab, Process};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::common::{EVENT_TIMEOUT, lab, needs, needs_root, run, shared_lab, start, stop};
use crate::log_rotation::{files, numbers};

const NOBODY: u32 = 65534;

/// The body that prints 60 kB in a third of a second.
const PRINTS: &str = "body=print_lines:1:600:100:500";

const PRINT_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until the body has printed all.
fn wait_until_printed(lab: &Lab) {
    lab.wait_for("printed", PRINT_TIMEOUT, |text| !text.is_empty());
}

/// Waits until `status` says this.
#[track_caller]
fn says(lab: &Lab, daemon: Process, texts: &[&str]) {
    let answer = look::until_with_deaths(&lab.path("d.last"), Deadline::after(EVENT_TIMEOUT), || {
        let said = run(lab, "status", &[]).stdout;
        if texts.iter().all(|text| said.contains(text)) { Ok(()) } else { Err(vec![daemon.id()]) }
    });
    answer.unwrap_or_else(|_| panic!("{texts:?} are not in {}", run(lab, "status", &[])));
}

/// A link is replaced and not followed, and so is a FIFO; neither blocks.
#[test]
fn planted_name_of_the_old_file_is_replaced() {
    for plant in ["link", "fifo", "file"] {
        let lab = lab();
        fs::create_dir(lab.path("logs")).expect("a directory");
        lab.write("precious", "precious");
        let planted = lab.path("logs/x.log.1");
        match plant {
            "link" => symlink(lab.path("precious"), &planted).expect("a link"),
            "fifo" => mkfifo(&planted, Mode::S_IRWXU).expect("a FIFO"),
            _ => fs::write(&planted, "older").expect("a file"),
        }
        start(&lab, &["log=logs/x.log", "max_size=20000", PRINTS]);
        wait_until_printed(&lab);
        stop(&lab);
        assert_eq!(lab.read("precious"), "precious");
        assert!(fs::symlink_metadata(&planted).expect("an old file").is_file(), "{plant}");
        assert_eq!(numbers(&lab, "logs")["0"].last(), Some(&599));
    }
}

/// Promise 11.07. The daemon reports that once, and goes on with the file that it has.
#[test]
fn log_that_cannot_be_renamed_grows_on_with_a_warning() {
    type Plant = fn(&Lab);
    let plants: [(Plant, &[&str]); 3] = [
        (
            |lab| fs::create_dir(lab.path("logs/x.log.1")).expect("a directory"),
            &["failed to rename `x.log`", "directory"],
        ),
        (|lab| fs::hard_link(lab.path("logs/x.log"), lab.path("logs/x.log.1")).expect("a link"), &["hard link"]),
        (|lab| fs::rename(lab.path("logs"), lab.path("gone")).expect("a directory"), &["no such file"]),
    ];
    for (plant, texts) in plants {
        let lab = lab();
        fs::create_dir(lab.path("logs")).expect("a directory");
        // Printed in a second; the maximum is reached in the middle of it.
        let daemon = start(&lab, &["log=logs/x.log", "max_size=100000", "body=print_lines:1:2000:100:300"]);
        plant(&lab);
        says(&lab, daemon, &[texts, &["failed to rotate the log `", "; it grows on"]].concat());
        wait_until_printed(&lab);
        stop(&lab);
        let directory = if lab.path("gone").exists() { "gone" } else { "logs" };
        let log = lab.read(&format!("{directory}/x.log"));
        let reports = log.lines().filter(|line| line.contains("failed to rotate")).count();
        assert_eq!(reports, 1, "not reported once");
        assert_eq!(log.lines().filter(|line| line.starts_with("0 ")).count(), 2000, "lines are lost");
    }
}

/// The directory belongs to root, and the daemon is another user.
#[test]
fn log_in_a_directory_of_root_is_reported_at_the_start_of_another_user_s_daemon() {
    needs_root();
    let lab = shared_lab();
    fs::create_dir(lab.path("logs")).expect("a directory");
    let daemon = start(&lab, &["user=nobody", "log=logs/x.log", "max_size=20000", "body=idle"]);
    says(&lab, daemon, &["logs/x.log` cannot be rotated: files in `", "permission denied; it grows without a limit"]);
    stop(&lab);
    chown(lab.path("logs"), Some(NOBODY), Some(NOBODY)).expect("root");
    chown(lab.path("logs/x.log"), Some(NOBODY), Some(NOBODY)).expect("root");
    fs::set_permissions(lab.directory(), fs::Permissions::from_mode(0o1777)).expect("ours");
    start(&lab, &["user=nobody", "log=logs/x.log", "max_size=20000", PRINTS]);
    wait_until_printed(&lab);
    assert!(!run(&lab, "status", &[]).stdout.contains("says"), "{}", run(&lab, "status", &[]));
    stop(&lab);
    assert_eq!(files(&lab, "logs").len(), 2);
    assert!(fs::metadata(lab.path("logs/x.log")).expect("a log").uid() == NOBODY);
}

/// Promise 11.07. Two daemons print into one log, and each rotates it: no line is lost.
#[test]
fn daemons_with_one_log_do_not_destroy_each_other_s_lines() {
    let lab = lab();
    fs::create_dir(lab.path("logs")).expect("a directory");
    let settings = ["log=logs/x.log", "max_size=16384", "keep=500"];
    let body = |writers: usize| format!("body=print_lines:{writers}:2000:100:100");
    start(&lab, &[&settings[..], &[&body(1)]].concat());
    let other = |verb: &str| lab.helper(&[verb, "pidfile=other.pid"]).args(settings).arg(body(2)).run().ok();
    other("start");
    lab.wait_for("printed", PRINT_TIMEOUT, |text| text.lines().count() == 2);
    stop(&lab);
    other("stop");
    let numbers = numbers(&lab, "logs");
    // Writer 0 is in both daemons.
    assert_eq!((numbers["0"].len(), numbers["1"].len()), (4000, 2000));
}

/// A process that may read the log can lock it, and so keep it from being rotated, but not from being written.
#[test]
fn log_that_another_process_keeps_locked_grows_on_with_a_warning() {
    let lab = lab();
    fs::create_dir(lab.path("logs")).expect("a directory");
    let file = File::open(lab.write("logs/x.log", "")).expect("a log");
    let Ok(lock) = Flock::lock(file, FlockArg::LockExclusive) else { panic!("a lock") };
    let daemon = start(&lab, &["log=logs/x.log", "max_size=2000", "body=print_lines:1:4000:100:300"]);
    says(&lab, daemon, &["failed to rotate", "another process keeps it locked"]);
    drop(lock);
    wait_until_printed(&lab);
    stop(&lab);
    assert!(files(&lab, "logs").len() == 2, "not rotated after the lock");
}

/// As root in a directory in which any user may make files, while another user makes files of the log's names all the time.
#[test]
fn user_who_plants_files_gets_no_line_of_the_log() {
    needs_root();
    needs(&["setpriv"]);
    let lab = shared_lab();
    fs::create_dir(lab.path("logs")).expect("a directory");
    fs::set_permissions(lab.path("logs"), fs::Permissions::from_mode(0o1777)).expect("ours");
    lab.make_directory("loot", NOBODY, 0o700);
    let daemon = start(&lab, &["log=logs/x.log", "max_size=4096", "keep=900", "body=print_lines:1:3000:100:100"]);
    let script = "while :; do ln -s $LOOK_LAB/loot/link logs/x.log; : > logs/x.log; mkfifo logs/x.log; \
                  ln -s $LOOK_LAB/loot/link logs/x.log.1; echo loot > logs/x.log.1; done 2> /dev/null";
    let become_user = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "bash", "-c", script];
    let thief = lab.command("setpriv", &become_user).spawn();
    wait_until_printed(&lab);
    thief.signal(Signal::SIGKILL);
    let _ = thief.finish();
    stop(&lab);
    let _ = daemon;
    let mut count = 0;
    for entry in fs::read_dir(lab.path("logs")).expect("a directory") {
        let entry = entry.expect("an entry");
        let status = fs::symlink_metadata(entry.path()).expect("a file");
        if status.uid() == 0 && status.is_file() {
            count +=
                fs::read_to_string(entry.path()).expect("a log").lines().filter(|line| line.starts_with("0 ")).count();
        } else if status.is_file() {
            assert!(!fs::read_to_string(entry.path()).expect("a file").contains("0 "), "{}", entry.path().display());
        }
    }
    assert_eq!(count, 3000, "lines are lost");
    // That file may exist: its owner follows the own link.
    assert_eq!(lab.read("loot/link"), "");
}
