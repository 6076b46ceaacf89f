//! `status` of a daemon that has failed, or that could not do something.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use look::{Lab, Outcome};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, move_away, needs, needs_root, nothing_left, run, start, stop};

pub(crate) const NOBODY: u32 = 65534;

/// The file of last words.
pub(crate) const WORDS: &str = "d.last";

/// A body that fails after it was ready.
pub(crate) const FAILING: [&str; 2] = ["ready=manual", "body=ready,err:no table"];

/// Runs a daemon until it exits; the start succeeds.
pub(crate) fn live(lab: &Lab, verb: &str, settings: &[&str]) {
    let outcome = run(lab, verb, settings);
    assert!(verb == "foreground" || outcome.code() == 0, "{outcome}");
    lab.quiet(EVENT_TIMEOUT).expect("the daemon ends");
}

pub(crate) fn status(lab: &Lab) -> Outcome {
    run(lab, "status", &[])
}

/// Promise 2.30, rule P13.
#[test]
fn status_after_an_error_says_when_and_why_until_the_next_start() {
    needs_root();
    let lab = lab();
    fs::create_dir(lab.path("jail")).unwrap();
    let dropped = &["user=nobody"][..];
    for (verb, settings, code) in [
        ("start", &[][..], 3),
        ("start", dropped, 1),
        ("start", &["user=nobody", "close=all"], 1),
        ("start", &["user=nobody", "chroot=jail"], 1),
        ("foreground", &[], 3),
        ("foreground", dropped, 1),
    ] {
        for (body, words) in [
            ("step=ready,err:no table", "the body failed: no table"),
            ("body=ready,panic:off the\nend\x1b[2J", "the body panicked: off the end\\u{1b}[2J"),
        ] {
            live(&lab, verb, &[settings, &["ready=manual", body]].concat());
            let said = status(&lab).exits(code);
            assert!(said.stdout.contains(&format!("; it said: {words}\n")), "{verb} {settings:?}: {said}");
            assert!(said.stdout.contains("ended just now") || said.stdout.contains("ago"), "{said}");
            let file = fs::metadata(lab.path(WORDS)).expect("a file");
            let owner = if settings.contains(&"user=nobody") { NOBODY } else { 0 };
            assert_eq!((file.mode() & 0o7777, file.uid()), (0o600, owner));
        }
        // A failed start keeps them.
        run(&lab, "start", &[settings, &["ready=manual", "body=err:at once"]].concat()).exits(4);
        assert!(status(&lab).stdout.contains("it said: the body panicked"), "{verb} {settings:?}");
        start(&lab, settings);
        assert!(!status(&lab).ok().stdout.contains("said"));
        stop(&lab);
        assert_eq!(status(&lab).exits(3).stdout.matches(';').count(), 0);
        assert!(!lab.path(WORDS).exists() && !lab.path("d.last.new").exists(), "{settings:?}");
        nothing_left(&lab);
    }
}

/// Promise 2.31.
#[test]
fn body_that_exits_with_success_at_once_removes_the_words_of_an_earlier_daemon() {
    needs_root();
    for settings in [&[][..], &["user=nobody"]] {
        let lab = lab();
        live(&lab, "start", &FAILING);
        live(&lab, "start", &[settings, &["body=exit:0"]].concat());
        assert_eq!(status(&lab).exits(3).stdout.matches(';').count(), 0, "{settings:?}");
        assert!(!lab.path(WORDS).exists(), "{settings:?}");
        nothing_left(&lab);
    }
}

/// Promise 2.30.
#[test]
fn status_after_a_kill_claims_no_words_of_the_daemon() {
    needs_root();
    for settings in [&[][..], &["user=nobody"]] {
        let lab = lab();
        // The words of another daemon are not shown.
        live(&lab, "start", &FAILING);
        let daemon = start(&lab, settings);
        daemon.signal(Signal::SIGKILL);
        daemon.died(EVENT_TIMEOUT).expect("killed");
        let said = status(&lab).exits(1);
        assert!(said.stdout.ends_with("is still there; it ended without a word\n"), "{said}");
        // A daemon that ends in order is not shown as failed, although it cannot remove its pidfile.
        let daemon = start(&lab, &["user=nobody"]);
        daemon.signal(Signal::SIGTERM);
        daemon.died(EVENT_TIMEOUT).expect("it stops");
        let said = status(&lab).exits(1);
        assert!(said.stdout.ends_with("that it ends in order\n"), "{said}");
        start(&lab, &["ready=manual", "body=ready,await:go,exit:7"]);
        lab.write("go", "");
        lab.quiet(EVENT_TIMEOUT).expect("it ends");
        status(&lab).exits(1).prints(&["it said: the program called `exit`"]);
        stop(&lab);
        nothing_left(&lab);
        assert!(!lab.path(WORDS).exists());
    }
}

/// Promise 2.31.
#[test]
fn stop_shows_why_the_daemon_that_it_ended_failed_and_the_next_stop_forgets_it() {
    needs_root();
    for settings in [&[][..], &["user=nobody"]] {
        let lab = lab();
        start(&lab, &[settings, &["grace=50", "ready=manual", "body=ask,ready,hang"]].concat());
        stop(&lab);
        nothing_left(&lab);
        status(&lab).exits(3).prints(&["did not end within its grace of 50ms"]);
        stop(&lab);
        assert_eq!(status(&lab).exits(3).stdout.matches(';').count(), 0);
        assert!(!lab.path(WORDS).exists());
        nothing_left(&lab);
    }
}

/// Promise 2.31.
#[test]
fn daemon_whose_files_were_moved_away_leaves_no_words_under_a_name_that_another_has() {
    let lab = lab();
    start(&lab, &["body=await:go,err:no table"]);
    move_away(&lab);
    let other = start(&lab, &["body=await:stop,idle"]);
    lab.write("go", "");
    look::until_with_deaths(&lab.path("go"), look::Deadline::after(EVENT_TIMEOUT), || {
        let old: Vec<i32> = lab.processes().iter().map(|process| process.id()).filter(|id| *id != other.id()).collect();
        if old.is_empty() { Ok(()) } else { Err(old) }
    })
    .expect("the first daemon ends");
    assert!(!lab.path(WORDS).exists() && !status(&lab).ok().stdout.contains("said"));
    stop(&lab);
}

/// Promise 2.31.
#[test]
fn start_of_another_program_on_the_pidfile_removes_last_words() {
    let lab = lab();
    live(&lab, "start", &FAILING);
    assert!(lab.path(WORDS).exists());
    let other = daemon::PidFile::lock(lab.path(PIDFILE)).expect("a free pidfile");
    assert!(!lab.path(WORDS).exists());
    drop(other);
    assert_eq!(status(&lab).exits(3).stdout.matches(';').count(), 0);
}

/// Promise 2.31.
#[test]
fn start_without_room_for_last_words_succeeds() {
    needs(&["unshare", "mount"]);
    needs_root();
    // Room for the directory, the lock file, the pidfile and its replacement only.
    for room in ["nr_inodes=4", "size=4k"] {
        let lab = lab();
        fs::create_dir(lab.path("small")).unwrap();
        let script = format!(
            "mount -t tmpfs -o {room},mode=755 none small && $D start pidfile=small/d.pid user=nobody && \
             $D status pidfile=small/d.pid && $D stop pidfile=small/d.pid && ls small && \
             $D start pidfile=small/d.pid ready=manual body=ready,err:no && ls small"
        );
        let outcome = lab.command("unshare", &["--mount", "bash", "-c", &script]).env("D", lab.program()).run().ok();
        assert!(outcome.stdout.contains("stopped pid"), "{room}: {outcome}");
        lab.quiet(EVENT_TIMEOUT).expect("it ends");
    }
}

/// Promise 2.30. The kernel counts no blocks of such a `tmpfs`, neither used nor free.
#[test]
fn file_system_without_limit_has_room_for_last_words() {
    needs(&["unshare", "mount"]);
    needs_root();
    let lab = lab();
    fs::create_dir(lab.path("large")).unwrap();
    let script = "mount -t tmpfs -o size=0,mode=755 none large && D=\"$D $0 pidfile=large/d.pid\" && \
                  ${D/VERB/start} user=nobody ready=manual body=ready,err:boom && \
                  while ! grep -q ended large/d.last; do sleep 0.01; done; ${D/VERB/status}";
    let command = ["--mount", "bash", "-c", script, "VERB"];
    let said = lab.command("unshare", &command).env("D", lab.program()).run();
    assert!(said.stdout.contains("it said: the body failed: boom"), "{said}");
}

/// Promise 2.33. In a private mount namespace, `/dev/log` belongs to the test.
#[test]
fn log_that_cannot_be_reopened_is_reported_to_syslog_and_status() {
    needs(&["unshare", "mount", "mknod"]);
    needs_root();
    for settings in
        ["user=nobody stdout=logs/x.log stderr=logs/x.log", "user=nobody stdout=logs/x.log stderr=logs/y.log"]
    {
        let lab = lab();
        fs::create_dir(lab.path("logs")).unwrap();
        let log = UnixDatagram::bind(lab.path("log.socket")).expect("a socket");
        log.set_read_timeout(Some(Duration::from_secs(20))).expect("a deadline");
        let script = format!(
            "mkdir dev && mount -t tmpfs none dev && mknod -m 666 dev/null c 1 3 && ln -s $LOOK_LAB/log.socket dev/log \
             && chmod 755 dev && chmod 666 log.socket && mount --bind dev /dev \
             && $D start pidfile=d.pid name=leaky {settings} handle=HUP:say:done"
        );
        lab.command("unshare", &["--mount", "bash", "-c", &script]).env("D", lab.program()).run().ok();
        let daemon = lab.daemon(PIDFILE);
        fs::rename(lab.path("logs/x.log"), lab.path("logs/old.log")).unwrap();
        daemon.signal(Signal::SIGHUP);
        let mut bytes = [0; 2000];
        let length = log.recv(&mut bytes).expect("a line in the system log");
        let line = String::from_utf8_lossy(&bytes[..length]);
        let why = format!("failed to reopen stdout `{}`: permission denied", lab.path("logs/x.log").display());
        assert!(line.contains("leaky") && line.contains(&why), "{line:?}");
        let says = format!("it says: {why}");
        look::until_with_deaths(&lab.path(WORDS), look::Deadline::after(EVENT_TIMEOUT), || {
            if status(&lab).ok().stdout.contains(&says) { Ok(()) } else { Err(vec![daemon.id()]) }
        })
        .expect("a warning");
        // After `create` of logrotate it works again.
        chown(lab.write("logs/x.log", ""), Some(NOBODY), None).unwrap();
        daemon.signal(Signal::SIGHUP);
        look::until_with_deaths(&lab.path(WORDS), look::Deadline::after(EVENT_TIMEOUT), || {
            if status(&lab).ok().stdout.contains("says") { Err(vec![daemon.id()]) } else { Ok(()) }
        })
        .expect("no warning any more");
        stop(&lab);
        nothing_left(&lab);
    }
}

/// Promise 1.23.
#[test]
fn main_that_returns_the_error_of_a_start_shows_what_the_daemon_had_printed() {
    let lab = Lab::new(env!("CARGO_BIN_EXE_returned"));
    let outcome = lab.helper(&[]).run().exits(1);
    let printed = "Error: the daemon had printed:\n  opening\n  no such file\\u{1b}[2J\n";
    assert_eq!(outcome.stderr, format!("{printed}failed to start: the body failed: no table\n"));
    nothing_left(&lab);
}
