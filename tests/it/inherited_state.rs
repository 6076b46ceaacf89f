//! State that a daemon inherits from the process that launched it: signals, session, directory, umask, limits.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::pty::openpty;
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, LOCK, PIDFILE, adopt, lab, needs, needs_root, run, start, stop};

/// Promise 1.03.
#[test]
fn signal_dispositions_and_mask_are_reset() {
    needs(&["env"]);
    let lab = lab();
    let inherited = ["--ignore-signal=HUP,CHLD,TERM,USR2", "--block-signal=USR1,TERM"];
    let start = ["start", "pidfile=d.pid", "body=note:entered,idle"];
    lab.command("env", &inherited).arg(lab.program()).args(start).run().ok();
    let daemon = adopt(lab.daemon(PIDFILE));
    lab.wait_for("entered", EVENT_TIMEOUT, |note| !note.is_empty());
    let numbers = |signals: &[Signal]| signals.iter().map(|signal| *signal as i32).collect();
    let ignored = numbers(&[Signal::SIGPIPE, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU]);
    // 32 and 33 belong to the C library, and sigaction(2) changes them for no program.
    let found: BTreeSet<i32> =
        daemon.signals("SigIgn").into_iter().filter(|signal| ![32, 33].contains(signal)).collect();
    assert_eq!(found, ignored);
    for thread in daemon.threads() {
        assert!(thread.signals("SigBlk").is_empty(), "blocked: {:?}", thread.signals("SigBlk"));
    }
    daemon.signal(Signal::SIGUSR1);
    daemon.died(EVENT_TIMEOUT).expect("the default action of USR1, which was blocked when the launcher began");
}

/// Promise 1.3.
#[test]
fn signal_ignored_by_code_before_its_stage_has_its_default_action() {
    let lab = lab();
    for (verb, code) in [("start", "before=Umask:ignore:USR2"), ("staged", "between=ignore:USR2")] {
        run(&lab, verb, &[code, "body=note:entered,idle"]).ok();
        let daemon = adopt(lab.daemon(PIDFILE));
        lab.wait_for("entered", EVENT_TIMEOUT, |note| !note.is_empty());
        assert!(!daemon.signals("SigIgn").contains(&(Signal::SIGUSR2 as i32)), "{verb}: it ignores USR2");
        stop(&lab);
        fs::remove_file(lab.path("entered")).unwrap();
    }
}

/// Promise 4.10. A program that the daemon starts can be ended by signals: it inherits the mask of the thread that
/// starts it.
#[test]
fn program_started_by_the_daemon_blocks_no_signal() {
    let lab = lab();
    for acts in ["body=spawn_sleeper_and_idle:spawned", "handle=USR1:spawn_sleeper:spawned"] {
        let daemon = start(&lab, &[acts]);
        if acts.starts_with("handle") {
            daemon.signal(Signal::SIGUSR1);
        }
        lab.wait_for("spawned", EVENT_TIMEOUT, |note| !note.is_empty());
        let child = |process: &look::Process| process.stat().is_some_and(|stat| stat.parent == daemon.id());
        let child = lab.processes().into_iter().find(child).expect("a child");
        assert!(child.signals("SigBlk").is_empty(), "{acts}: {:?}", child.signals("SigBlk"));
        let ignored = child.signals("SigIgn");
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE] {
            assert!(!ignored.contains(&(signal as i32)), "{acts}: {signal} is ignored");
        }
        child.signal(Signal::SIGTERM);
        child.died(EVENT_TIMEOUT).expect("it hears a SIGTERM");
        stop(&lab);
        fs::remove_file(lab.path("spawned")).unwrap();
    }
}

/// Promise 1.03.
#[test]
fn sigterm_stops_although_it_was_ignored_and_blocked() {
    let lab = lab();
    let inherited = ["--ignore-signal=TERM", "--block-signal=TERM"];
    lab.command("env", &inherited).arg(lab.program()).args(["start", "pidfile=d.pid"]).run().ok();
    lab.daemon(PIDFILE).signal(Signal::SIGTERM);
    crate::common::nothing_left(&lab);
}

/// Promise 1.04. L1: SIGCHLD has its default action until the session leader is reaped.
#[test]
fn ignored_sigchld_does_not_change_the_result() {
    let lab = lab();
    for ignored in ["", "trap '' CHLD;"] {
        lab.shell(&format!("{ignored} exec $D start pidfile=d.pid")).run().ok().prints(&["started"]);
        stop(&lab);
        let dies = "exec $D start pidfile=d.pid ready=manual body=exit:7";
        lab.shell(&format!("{ignored} {dies}")).run().exits(2).says(&["exited with status 7"]);
        let killed = "exec $D start pidfile=d.pid ready=manual body=kill:SEGV";
        lab.shell(&format!("{ignored} {killed}")).run().exits(2).says(&["killed by signal 11"]);
        crate::common::nothing_left(&lab);
    }
}

/// Promise 1.05.
#[test]
fn daemon_has_a_session_it_does_not_lead_and_no_terminal() {
    needs(&["script"]);
    let lab = lab();
    // A launcher on a terminal of its own, which closes with `script`.
    lab.command("script", &["-qec", "$D start pidfile=d.pid", "/dev/null"]).env("D", lab.program()).run().ok();
    let daemon = adopt(lab.daemon(PIDFILE));
    let stat = daemon.stat().expect("it lives on without the terminal");
    assert_ne!(stat.session, daemon.id(), "it could get a controlling terminal: {stat:?}");
    assert_eq!((stat.tty, stat.foreground), (0, -1), "it has a controlling terminal: {stat:?}");
    assert_eq!(stat.parent, i32::try_from(std::process::id()).unwrap(), "not orphaned: {stat:?}");
}

/// Promise 1.05.
#[test]
fn opened_terminal_does_not_become_controlling() {
    let lab = lab();
    let pty = openpty(None, None).expect("a pseudo-terminal");
    let fd = std::os::fd::AsRawFd::as_raw_fd(&pty.slave);
    let name = fs::read_link(format!("/proc/self/fd/{fd}")).expect("the terminal's name");
    let body = format!("body=open_terminal_and_idle:{}", name.display());
    let daemon = start(&lab, &["ready=manual", &body]);
    assert!(daemon.descriptors().values().any(|fd| fd.is(&name)), "it has not opened {}", name.display());
    assert_eq!(daemon.stat().map(|stat| stat.tty), Some(0));
}

/// Promise 1.06.
#[test]
fn daemon_works_in_the_root_directory_and_pins_no_mount() {
    needs(&["unshare", "mount", "umount"]);
    needs_root();
    let lab = lab();
    let script =
        "mkdir m && mount -t tmpfs none m && cd m && $D start pidfile=../d.pid && cd .. && umount m && echo free";
    lab.command("unshare", &["--mount", "bash", "-c", script]).env("D", lab.program()).run().ok().prints(&["free"]);
    assert_eq!(lab.daemon(PIDFILE).directory().as_deref(), Some(Path::new("/")));
}

/// Promise 1.06.
#[test]
fn relative_paths_are_relative_to_the_launchers_directory() {
    let lab = lab();
    fs::create_dir(lab.path("work")).unwrap();
    let daemon = start(&lab, &["stdout=./log", "working_directory=work"]);
    assert_eq!(daemon.directory(), Some(lab.path("work")));
    assert!(lab.path("log").exists());
    assert!(daemon.descriptors()[&1].is(lab.path("log")));
    stop(&lab);
    assert!(!lab.path(PIDFILE).exists(), "removed although the daemon worked elsewhere");
}

/// Promise 1.07.
#[test]
fn file_modes_do_not_depend_on_the_launchers_umask() {
    let lab = lab();
    for umask in ["0", "077", "777"] {
        lab.shell(&format!("umask {umask}; exec $D start pidfile=d.pid stdout=log stderr=log")).run().ok();
        let mode = |name: &str| fs::metadata(lab.path(name)).expect(name).permissions().mode() & 0o7777;
        assert_eq!((mode(PIDFILE), mode("log")), (0o644, 0o640), "under umask {umask}");
        assert_eq!(lab.daemon(PIDFILE).umask(), Some(0o077), "under umask {umask}");
        stop(&lab);
        fs::remove_file(lab.path("log")).unwrap();
    }
}

/// Promise 1.07.
#[test]
fn umask_setting_is_applied() {
    let lab = lab();
    assert_eq!(start(&lab, &["umask=027"]).umask(), Some(0o027));
}

/// Promise 1.20.
#[test]
fn core_dumps_are_off_by_default() {
    let lab = lab();
    let core = |settings: &str| {
        lab.shell(&format!("ulimit -Sc $(ulimit -Hc); exec $D start pidfile=d.pid {settings}")).run().ok();
        let limit = lab.daemon(PIDFILE).limit("Max core file size").expect("the limit");
        stop(&lab);
        limit
    };
    assert_eq!(core("").soft, Some(0));
    let wanted = core("core_dumps=true");
    assert_eq!(wanted.soft, wanted.hard, "left as the launcher had it");
    assert_ne!(wanted.hard, Some(0), "this test needs a hard limit above 0 for core files (ulimit -Hc)");
}

#[test]
fn lock_descriptor_is_read_only() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    let open = daemon.descriptors();
    assert!(!open.values().any(|fd| fd.is(lab.path(PIDFILE))), "{open:?}");
    let locks: Vec<_> = open.values().filter(|fd| fd.is(lab.path(LOCK))).collect();
    assert_eq!(locks.len(), 1, "{open:?}");
    assert!(!locks[0].writes() && locks[0].has(OFlag::O_CLOEXEC.bits()), "{open:?}");
}
