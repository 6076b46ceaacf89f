//! Interleavings over the pidfile: one process is held at one system call while the others run.
//! R1 to R14, R16 and R17 of `docs/rules.md`, unless they are in `pidfile_races.rs`, `file_system_faults.rs`,
//! `pid_reuse.rs` or `pidfile.rs`.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::{Duration, SystemTime};

use look::Lab;
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, LOCK, PIDFILE, lab, move_away, needs, nothing_left, run, start, stop};
use crate::faults::held_system_call::{At, Hold};

/// The first `openat` of the pidfile reads it, the second creates an empty one.
const FIRST_OPEN: At = At("openat", 1);
const SECOND_OPEN: At = At("openat", 2);

/// A start that waits for the holder of the lock.
pub(crate) const PATIENT: [&str; 3] = ["start", "pidfile=d.pid", "lock_timeout=20000"];

pub(crate) fn content_and_inode(lab: &Lab) -> (String, u64) {
    (lab.read(PIDFILE), fs::metadata(lab.path(PIDFILE)).unwrap().ino())
}

/// Leaves a pidfile whose daemon was killed, and returns its content.
pub(crate) fn stale(lab: &Lab) -> String {
    let dead = start(lab, &[]);
    dead.signal(Signal::SIGKILL);
    dead.died(EVENT_TIMEOUT).expect("killed");
    lab.read(PIDFILE)
}

/// Promise 2.06. R2: B has opened the file of a running daemon, and fails to lock it: the file is unchanged.
#[test]
fn start_that_opened_a_running_daemons_file_changes_nothing() {
    let lab = lab();
    start(&lab, &[]);
    let before = content_and_inode(&lab);
    let (second, held) = Hold::on_file(&lab, &["start", "pidfile=d.pid"], At("flock", 1), LOCK);
    assert_eq!(content_and_inode(&lab), before);
    held.release();
    second.finish().exits(3);
    assert_eq!(content_and_inode(&lab), before);
    stop(&lab);
}

/// Promise 2.07. R3: B and C have both seen that the file names a dead daemon, before either locks it.
#[test]
fn two_starts_over_a_stale_file_start_one_daemon() {
    let lab = lab();
    stale(&lab);
    let starts = [(At("flock", 1), LOCK), (At("openat", 1), PIDFILE)];
    let kept =
        starts.map(|(at, file)| Hold::on_file(&lab, &["start", "pidfile=d.pid", "body=note:ran,idle"], at, file));
    // One has opened the lock file, the other has locked it and reads the pidfile.
    let [(opened, before_lock), (locked, behind_lock)] = kept;
    behind_lock.release();
    locked.finish().ok();
    before_lock.release();
    let daemon = lab.daemon(PIDFILE);
    opened.finish().exits(3).says(&[&daemon.id().to_string()]);
    stop(&lab);
    nothing_left(&lab);
    assert_eq!(lab.read("ran").lines().count(), 1);
}

/// Promise 2.07. R3: B has locked the stale file and not yet emptied it: C does not take it for stale, and waits.
#[test]
fn locked_stale_file_is_not_replaced_twice() {
    let lab = lab();
    let text = stale(&lab);
    let (first, held) =
        Hold::on_file(&lab, &["start", "pidfile=d.pid", "body=note:ran,idle"], At("unlinkat", 1), PIDFILE);
    assert_eq!(lab.read(PIDFILE), text);
    run(&lab, "start", &[])
        .exits(7)
        .says(&["locked, but not by a daemon", &format!("process {} ", first.process().id())]);
    run(&lab, "status", &[]).exits(1);
    run(&lab, "stop", &["grace=100", "stop_timeout=300"]).exits(7);
    held.release();
    first.finish().ok();
    run(&lab, "start", &[]).exits(3);
    stop(&lab);
    nothing_left(&lab);
    assert_eq!(lab.read("ran").lines().count(), 1);
}

/// Promise 2.13. R4: the file is moved away, so that a second daemon starts: the first one reports that when it ends,
/// and removes nothing.
#[test]
fn daemon_with_moved_pidfile_reports_it() {
    let lab = lab();
    let elder = start(&lab, &["stderr=log"]);
    move_away(&lab);
    let younger = start(&lab, &[]);
    let before = content_and_inode(&lab);
    run(&lab, "status", &[]).ok().prints(&[&younger.id().to_string()]);
    elder.signal(Signal::SIGTERM);
    elder.died(EVENT_TIMEOUT).expect("it stops");
    assert!(lab.read("log").contains("moved or replaced"), "the log holds {:?}", lab.read("log"));
    assert_eq!(content_and_inode(&lab), before);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 2.05. R4: the file is moved away after a stop has read it and before it signals: the stop reads it again,
/// and stops the daemon that it then names.
#[test]
fn stop_rereads_the_file_before_it_signals() {
    let lab = lab();
    let elder = start(&lab, &[]);
    let (slow, held) = Hold::on(&lab, &["stop", "pidfile=d.pid"], At("pidfd_open", 1));
    move_away(&lab);
    let younger = start(&lab, &[]);
    held.release();
    slow.finish().ok().prints(&[&younger.id().to_string()]);
    assert!(elder.alive() && !younger.alive());
    fs::rename(lab.path("moved"), lab.path(PIDFILE)).unwrap();
    fs::rename(lab.path("moved.lock"), lab.path(LOCK)).unwrap();
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 2.14. R5: the file is empty while a start is in progress: that is neither stopped nor running, and no stop
/// acts on it.
#[test]
fn empty_file_is_a_start_in_progress() {
    let lab = lab();
    let launch = lab.helper(&["start", "pidfile=d.pid", "before=Detach:note:there,await:go"]).spawn();
    lab.wait_for("there", EVENT_TIMEOUT, |note| note.ends_with('\n'));
    assert_eq!(lab.read(PIDFILE), "");
    run(&lab, "status", &[]).exits(4).prints(&["starting"]);
    run(&lab, "send", &["signal=TERM"]).exits(5);
    run(&lab, "stop", &["grace=100", "stop_timeout=300"]).exits(7).says(&["another start or stop"]);
    // A stop with a longer timeout waits for the start, and stops the daemon.
    let patient = lab.helper(&["stop", "pidfile=d.pid"]).spawn();
    lab.write("go", "");
    let started = launch.finish();
    let stopped = patient.finish().ok();
    assert!([0, 2].contains(&started.code()), "{started}\n{stopped}");
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 2.14. R5: an empty file older than the longest start was left by a dead start.
#[test]
fn old_empty_file_is_of_a_dead_start() {
    let lab = lab();
    let path = lab.write(PIDFILE, "");
    run(&lab, "status", &["start_timeout=60000"]).exits(4).prints(&["starting"]);
    let hour = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(path).unwrap().set_modified(hour).unwrap();
    run(&lab, "status", &["start_timeout=60000"]).exits(1).prints(&["dead"]);
    start(&lab, &[]);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 2.14. R6: an incomplete record, written before the launcher completes it, names no process.
#[test]
fn incomplete_record_names_no_process() {
    let lab = lab();
    let arguments = ["start", "pidfile=d.pid", "before=CoreDumps:note:there", "start_timeout=60000"];
    let (launch, held) = Hold::on(&lab, &arguments, At("renameat", 1));
    let there = lab.wait_for("there", EVENT_TIMEOUT, |note| note.ends_with('\n'));
    assert_eq!(lab.read(PIDFILE), "");
    let daemon = look::Process::new(there.split(' ').nth(2).and_then(|pid| pid.parse().ok()).expect("its number"));
    let record = lab.read("d.pid.new");
    assert!(record.starts_with(&format!("{}\nstart=", daemon.id())) && record.ends_with('\n'), "{record:?}");
    for length in [1, 2, daemon.id().to_string().len(), daemon.id().to_string().len() + 1, 30, record.len() - 1] {
        let torn = &record[..length];
        lab.write(PIDFILE, torn);
        let status = run(&lab, "status", &[]);
        assert!([1, 4].contains(&status.code()), "{torn:?}: {status}");
        run(&lab, "send", &["signal=TERM"]).exits(5);
        run(&lab, "start", &[]).exits(7);
        assert!(daemon.alive() && !daemon.signals("ShdPnd").contains(&(Signal::SIGTERM as i32)), "{torn:?}");
    }
    run(&lab, "stop", &["grace=100", "stop_timeout=300"]).exits(7);
    held.release();
    launch.finish().ok();
    assert_eq!(lab.read(PIDFILE), record);
    run(&lab, "status", &[]).ok();
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 2.13. R10: A is about to remove its file when B starts: B waits, and keeps its own file.
#[test]
fn late_removal_leaves_the_next_pidfile() {
    for at in [At("newfstatat", 1), At("unlinkat", 1)] {
        let lab = lab();
        let elder = start(&lab, &["handle=TERM:note_and_freeze:told"]);
        elder.signal(Signal::SIGTERM);
        lab.wait_for("told", EVENT_TIMEOUT, |note| note.ends_with('\n'));
        let held = Hold::process(&lab, elder, at, &["-f", "-P", PIDFILE]).reached();
        let second = lab.helper(&PATIENT).spawn();
        // The old daemon blocks the start as long as it lives, and is named.
        run(&lab, "start", &[]).exits(3).says(&[&elder.id().to_string()]);
        held.release();
        elder.died(EVENT_TIMEOUT).expect("it stops");
        second.finish().ok();
        let daemon = lab.daemon(PIDFILE);
        assert!(daemon != elder && daemon.alive());
        run(&lab, "status", &[]).ok().prints(&[&daemon.id().to_string()]);
        stop(&lab);
        nothing_left(&lab);
    }
}

/// Promise 2.13. R10: the file was moved away and B did not wait: A checks the file first, and removes nothing.
#[test]
fn late_removal_of_a_moved_file_removes_nothing() {
    let lab = lab();
    let elder = start(&lab, &["handle=TERM:note_and_freeze:told"]);
    elder.signal(Signal::SIGTERM);
    lab.wait_for("told", EVENT_TIMEOUT, |note| note.ends_with('\n'));
    let held = Hold::process(&lab, elder, At("newfstatat", 1), &["-f", "-P", PIDFILE]).reached();
    move_away(&lab);
    let younger = start(&lab, &[]);
    let before = content_and_inode(&lab);
    held.release();
    elder.died(EVENT_TIMEOUT).expect("it stops");
    assert_eq!(content_and_inode(&lab), before);
    assert_eq!(lab.daemon(PIDFILE), younger);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 2.02. R11: the directory was checked, and is a link to another one when the file is opened: no file is
/// created there.
#[test]
fn directory_replaced_by_a_link_is_not_followed() {
    for (verb, content) in [("start", None), ("start", Some("root:x:0:0\n")), ("stop", Some("4711\n"))] {
        let lab = lab();
        let (place, moved, victim) = (lab.path("run"), lab.path("moved"), lab.path("victim"));
        fs::create_dir(&place).unwrap();
        fs::create_dir(&victim).unwrap();
        if let Some(text) = content {
            fs::write(victim.join(PIDFILE), text).unwrap();
        }
        let arguments = [verb, "pidfile=run/d.pid"];
        let (verb, held) = Hold::on_file(&lab, &arguments, FIRST_OPEN, PIDFILE);
        fs::rename(&place, &moved).unwrap();
        symlink(&victim, &place).unwrap();
        held.release();
        let outcome = verb.finish();
        assert_eq!(fs::read_to_string(victim.join(PIDFILE)).ok().as_deref(), content, "{arguments:?}: {outcome}");
        // A daemon that started must be where it looked first, and stop.
        for daemon in lab.processes() {
            assert_eq!(lab.daemon("moved/d.pid"), daemon, "{outcome}");
            daemon.signal(Signal::SIGTERM);
            daemon.died(EVENT_TIMEOUT).expect("it stops");
        }
        assert_eq!(fs::read_to_string(victim.join(PIDFILE)).ok().as_deref(), content, "{arguments:?}: {outcome}");
    }
}

/// Promise 2.02. R12: the opened file is checked, not the one that was there before: a hard link, a pipe, a link.
#[test]
fn file_replaced_before_its_opening_is_checked_when_open() {
    needs(&["mkfifo"]);
    for (verb, at) in [("start", FIRST_OPEN), ("start", SECOND_OPEN), ("stop", FIRST_OPEN), ("status", FIRST_OPEN)] {
        for (script, words) in [
            ("ln -f victim d.pid", &["more than one name", "replaced", "just made it"][..]),
            ("rm d.pid; mkfifo d.pid", &["not a regular file", "a socket or a FIFO", "just made it"]),
            ("ln -sf victim d.pid", &["symbolic link", "just made it"]),
        ] {
            let lab = lab();
            let text = stale(&lab);
            lab.write("victim", &text);
            let (running, held) = Hold::on_file(&lab, &[verb, "pidfile=d.pid"], at, PIDFILE);
            lab.shell(script).run().ok();
            held.release();
            let outcome = running.finish();
            let said = words.iter().any(|words| outcome.stderr.contains(words) || outcome.stdout.contains(words));
            assert!(outcome.code() != 0 && said, "{verb}, {at:?}, `{script}`: {outcome}");
            assert_eq!(lab.read("victim"), text, "{verb}, {at:?}, `{script}`");
            lab.quiet(EVENT_TIMEOUT).expect("no daemon was started");
        }
    }
}

/// Promise 2.10. R13: a status has the file open without a lock: a start without a lock timeout acquires it.
#[test]
fn status_holds_no_lock() {
    let lab = lab();
    stale(&lab);
    let (status, held) = Hold::on_file(&lab, &["status", "pidfile=d.pid"], At("pread64", 1), PIDFILE);
    let daemon = start(&lab, &["lock_timeout=0"]);
    held.release();
    status.finish().ok().prints(&[&daemon.id().to_string()]);
    stop(&lab);
    nothing_left(&lab);
}
