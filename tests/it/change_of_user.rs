//! Changes of user and group.

use std::fs;

use look::{Lab, Process};

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, needs, needs_root, nothing_left, run, start, stop};

const NOBODY: u32 = 65534;

/// Asserts that every thread has the ids of `nobody`, and these groups.
#[track_caller]
fn is_nobody(daemon: Process, groups: &[u32]) {
    let threads = daemon.threads();
    assert!(!threads.is_empty());
    for thread in threads {
        let ids = thread.ids().expect("a thread");
        assert_eq!((ids.users, ids.groups), (vec![NOBODY; 4], vec![NOBODY; 4]));
        assert_eq!(ids.supplementary, groups);
    }
}

/// Starts a daemon of user `nobody`, and waits for its signal thread.
#[track_caller]
fn nobody(lab: &Lab, settings: &[&str]) -> Process {
    let settings = [&["user=nobody", "ready=manual", "handle=USR1:say:x", "body=ready,idle"][..], settings].concat();
    start(lab, &settings)
}

/// Promise 3.01.
#[test]
fn supplementary_groups_are_replaced() {
    needs(&["setpriv"]);
    needs_root();
    let lab = lab();
    let setpriv = ["--groups", "0,4,24,27"];
    lab.command("setpriv", &setpriv).arg(lab.program()).args(["start", "pidfile=d.pid", "user=nobody"]).run().ok();
    is_nobody(lab.daemon(PIDFILE), &[NOBODY]);
}

/// Promise 3.02.
#[test]
fn change_of_user_changes_all_ids_of_all_threads() {
    needs_root();
    let lab = lab();
    is_nobody(nobody(&lab, &[]), &[NOBODY]);
}

/// Promise 3.04.
#[test]
fn failed_or_faked_change_of_user_ends_the_start() {
    needs(&["strace"]);
    needs_root();
    for call in ["setresuid", "setresgid", "setgroups"] {
        for way in ["retval=0", "error=EAGAIN"] {
            let lab = lab();
            let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{way}"));
            let strace = ["-f", "-qq", "-o", "trace", "-e", &trace, "-e", &inject];
            let start = ["start", "pidfile=d.pid", "user=nobody", "body=note:ran,idle"];
            let outcome = lab.command("strace", &strace).arg(lab.program()).args(start).run().exits(2);
            assert!(lab.read("trace").contains("INJECTED"), "{call}: this call is never made: {outcome}");
            nothing_left(&lab);
            assert!(!lab.path("ran").exists(), "{call}:{way}: the body ran as root");
        }
    }
}

/// Promise 3.05.
#[test]
fn groups_change_before_the_group_and_the_user() {
    needs(&["strace"]);
    needs_root();
    let lab = lab();
    let strace = ["-f", "-qq", "-e", "signal=none", "-o", "trace", "-e", "trace=setgroups,setresgid,setresuid"];
    let start = ["start", "pidfile=d.pid", "user=nobody", "body=pause:10"];
    lab.command("strace", &strace).arg(lab.program()).args(start).run().ok();
    let trace = lab.read("trace");
    let first = |call: &str| trace.find(call).unwrap_or_else(|| panic!("{call} is never called: {trace}"));
    assert!(first("setgroups(") < first("setresgid(") && first("setresgid(") < first("setresuid("), "{trace}");
}

/// Promise 3.06.
#[test]
fn invalid_user_never_means_root() {
    needs_root();
    let lab = lab();
    for user in ["", "no-such-user", "0day", "-1", "4294967295", "+0", "00", "4294967296", " root"] {
        run(&lab, "start", &[&format!("user={user}"), "body=note:ran,idle"]).exits(2);
        nothing_left(&lab);
        assert!(!lab.path("ran").exists(), "{user:?}");
    }
}

/// Promise 3.09.
#[test]
fn dropped_daemon_has_no_descriptor_to_write_files_of_root() {
    needs_root();
    let lab = lab();
    let daemon = nobody(&lab, &["stdout=log", "stderr=log"]);
    for (number, fd) in daemon.descriptors() {
        let Ok(file) = fs::metadata(&fd.target) else { continue };
        let roots = std::os::unix::fs::MetadataExt::uid(&file) == 0 && !fd.is("/dev/null");
        assert!(!roots || !fd.writes(), "descriptor {number} can write a file of root's: {fd:?}");
    }
}

/// Promise 3.12.
#[test]
fn pidfile_that_the_daemon_cannot_remove_is_replaced_by_the_next_start() {
    needs_root();
    let lab = lab();
    let daemon = nobody(&lab, &[]);
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    daemon.died(EVENT_TIMEOUT).expect("it stops");
    run(&lab, "status", &[]).exits(1);
    nobody(&lab, &[]);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 3.10. Paths outside of the new root cannot be looked up later.
#[test]
fn chroot_works_without_detaching() {
    needs_root();
    let lab = lab();
    fs::create_dir(lab.path("jail")).unwrap();
    let settings = ["foreground", "pidfile=d.pid", "chroot=jail", "user=nobody"];
    let daemon = lab.helper(&settings).spawn();
    let process = daemon.process();
    look::until_with_deaths(&lab.path(PIDFILE), look::Deadline::after(EVENT_TIMEOUT), || {
        let waits = process.alive() && lab.read(PIDFILE).is_empty();
        if waits { Err(vec![process.id()]) } else { Ok(()) }
    })
    .expect("a pidfile, or an end");
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    daemon.finish().ok();
}
