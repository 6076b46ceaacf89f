//! Starts by exec that succeed, or fail as a start by fork does.

use crate::common::{EVENT_TIMEOUT, PIDFILE, ended, lab, nothing_left};
use look::{Deadline, Descriptor, Lab, Process};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Starts the daemon, which must work, and returns it.
#[track_caller]
fn start(lab: &Lab, from: &str, settings: &[&str]) -> Process {
    let outcome = lab.helper(&["exec", from, "start"]).args(settings).run().ok();
    let daemon = lab.daemon(PIDFILE);
    assert_eq!(outcome.number("started"), daemon.id(), "the pidfile names another process: {outcome}");
    assert_eq!(outcome.number("children"), 0, "a child is left, perhaps a zombie: {outcome}");
    daemon
}

#[track_caller]
fn stop(lab: &Lab, daemon: Process) {
    daemon.signal(Signal::SIGTERM);
    ended(daemon);
    nothing_left(lab);
}

/// Promise 12.04.
#[test]
fn start_by_exec_works_from_threads_and_runtimes() {
    for from in ["main", "thread", "tokio", "async"] {
        let lab = lab();
        let outcome = lab.run(&["exec", from, "start"]).ok();
        outcome.clone().prints(&[&format!("pidfile {}", lab.path(PIDFILE).display())]);
        stop(&lab, lab.daemon(PIDFILE));
    }
}

/// Promise 12.04.
#[test]
fn daemon_started_by_exec_has_nothing_of_the_launch() {
    let lab = lab();
    let daemon = start(&lab, "tokio", &[]);
    assert_eq!(daemon.arguments()[1..], ["sleeper"], "the arguments of the starting process");
    assert_eq!(daemon.stat().map(|stat| stat.name).as_deref(), Some("on-demand-lab"));
    let program = fs::canonicalize(lab.program()).expect("it exists");
    let own = [&program, &lab.path("d.pid.lock"), Path::new("anon_inode:[eventfd]")];
    let others = || -> Vec<_> {
        let is_other =
            |(number, descriptor): &(i32, Descriptor)| *number > 2 && !own.iter().any(|path| descriptor.is(path));
        daemon.descriptors().into_iter().filter(is_other).collect()
    };
    // The daemon closes its socket to the launcher just after the start. Nothing reports that.
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while !others().is_empty() && !deadline.passed() {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(others().is_empty(), "descriptors are left: {:?}", others());
    stop(&lab, daemon);
}

/// As a daemon started by fork. The signals that the C library reserves may be ignored where the tests were started.
#[test]
fn daemon_started_by_exec_has_the_signals_of_a_forked_one() {
    let signals = |process: Process| {
        ["SigBlk", "SigIgn", "SigCgt"].map(|set| {
            let mut signals = process.signals(set);
            signals.retain(|signal| !(32..=33).contains(signal));
            signals
        })
    };
    let lab = lab();
    let forked = lab.run(&["exec", "fork", "start"]).ok();
    let daemon = lab.daemon(PIDFILE);
    assert_eq!(forked.number("started"), daemon.id());
    let expected = signals(daemon);
    stop(&lab, daemon);
    for situation in ["in=signals-ignored", "in=signals-blocked"] {
        let daemon = start(&lab, "thread", &[situation]);
        assert_eq!(signals(daemon), expected, "{situation}");
        stop(&lab, daemon);
    }
}

#[test]
fn start_by_exec_needs_no_wait_status() {
    for situation in ["in=sigchld-ignored", "in=reaper"] {
        let lab = lab();
        let daemon = start(&lab, "thread", &[situation]);
        stop(&lab, daemon);
        let failed = lab.run(&["exec", "thread", "start", situation, "body=fail"]).exits(4);
        failed.says(&["there is no table"]);
        nothing_left(&lab);
    }
}

#[test]
fn failure_of_a_start_by_exec_is_that_of_the_body() {
    let lab = lab();
    let failed = lab.run(&["exec", "tokio", "start", "body=fail"]).exits(4);
    failed.says(&["there is no table"]).prints(&["opening the table"]);
    nothing_left(&lab);
    let daemon = start(&lab, "tokio", &[]);
    lab.run(&["exec", "tokio", "start"]).exits(3).says(&[&format!("already running as pid {}", daemon.id())]);
    stop(&lab, daemon);
}

/// Promise 12.04. The starting process has inherited a file that is not close-on-exec. Descriptor 3 is the link, 4 the image,
/// and 5 lists them.
#[test]
fn new_process_has_no_descriptor_but_the_link() {
    let lab = lab();
    let run = lab.shell("exec 9</dev/zero && $D exec tokio start body=exit");
    run.run().exits(2).says(&["descriptors [0, 1, 2, 3, 4, 5]\n"]);
    nothing_left(&lab);
}

#[test]
fn restart_by_exec_replaces_the_daemon() {
    let lab = lab();
    let first = start(&lab, "tokio", &[]);
    let second = lab.run(&["exec", "tokio", "restart"]).ok().number("started");
    ended(first);
    assert_eq!(lab.daemon(PIDFILE).id(), second);
    stop(&lab, lab.daemon(PIDFILE));
}

/// Promise 12.16.
#[test]
fn large_arguments_arrive_and_too_large_ones_are_refused() {
    let lab = lab();
    // More than a socket holds.
    let started = lab.run(&["exec", "tokio", "start", "body=3000000"]).ok();
    started.prints(&["3000000 bytes"]);
    stop(&lab, lab.daemon(PIDFILE));
    let refused = lab.run(&["exec", "tokio", "start", "body=67108865"]).exits(2);
    refused.says(&["failed to encode the arguments of", "of at most 67108864: pass the path of a file instead"]);
    nothing_left(&lab);
}

#[test]
fn daemon_started_by_exec_starts_another_one() {
    let lab = lab();
    let started = lab.run(&["exec", "tokio", "start", "body=nested"]).ok();
    let inner = lab.daemon("inner.pid");
    assert_eq!(started.number("inner"), inner.id());
    inner.signal(Signal::SIGTERM);
    ended(inner);
    stop(&lab, lab.daemon(PIDFILE));
}

#[test]
fn functions_of_one_name_in_two_crates_are_told_apart() {
    let lab = lab();
    let started = lab.run(&["exec", "main", "start", "body=library"]).ok();
    started.prints(&["of the library"]);
    stop(&lab, lab.daemon(PIDFILE));
    let refused = lab.run(&["exec", "main", "start", "body=twin"]).exits(2);
    refused.says(&["two functions of this program are named", "rename one of them"]);
}

/// Promise 12.04.
#[test]
fn program_that_was_replaced_or_removed_starts_its_own_daemon() {
    for replaced in [true, false] {
        let mut lab = lab();
        lab.bring_program();
        nix::unistd::mkfifo(&lab.path("gate"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        let starting = lab.helper(&["exec", "tokio", "start", "gate=gate"]).spawn();
        // Opens when the program waits there, which then has executed.
        let gate = fs::File::options().write(true).open(lab.path("gate")).expect("the program waits");
        fs::remove_file(lab.program()).expect("its directory is ours");
        if replaced {
            symlink("/bin/false", lab.program()).expect("the name is free");
        }
        drop(gate);
        let started = starting.finish().ok();
        let daemon = lab.daemon(PIDFILE);
        assert_eq!(started.number("started"), daemon.id());
        stop(&lab, daemon);
    }
}
