//! `reload`: waits until the daemon has handled SIGHUP, and fails if it could not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use look::{Lab, Outcome, Process, Running};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, needs_root, nothing_left, run, shared_lab, start, stop};
use crate::faults::held_system_call::look_until;
use crate::last_words::{WORDS, status};

/// The handler of a reload that takes as long as the test wants.
const SLOW: &str = "handle=HUP:note:begun,await:go";

fn reload(lab: &Lab) -> Outcome {
    run(lab, "reload", &[])
}

/// Begins a reload, and returns when the handler of SIGHUP runs for the `count`th time, or is about to.
fn begin_reload(lab: &Lab) -> Running<'_> {
    lab.helper(&["reload", "pidfile=d.pid"]).spawn()
}

fn wait_for_handler(lab: &Lab, count: usize) {
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| notes.lines().count() == count);
}

/// Suspends the daemon, and waits until it is.
fn suspend(daemon: Process) {
    daemon.signal(Signal::SIGSTOP);
    look_until("it is not suspended", || daemon.status("State").is_some_and(|state| state.starts_with('T')));
}

/// Promise 11.13.
#[test]
fn reload_returns_after_the_handlers_wherever_the_daemon_reports() {
    needs_root();
    for settings in [
        &[][..],
        &["close=all", "log=log"],
        &["user=nobody"],
        &["user=nobody", "close=all"],
        &["user=nobody", "chroot=jail", "handle=HUP:pause:200"],
    ] {
        let lab = lab();
        fs::create_dir(lab.path("jail")).unwrap();
        // A daemon that has changed its root finds no log file.
        let logs = ["handle=HUP:pause:200,complain:done.", "stderr=said"];
        let logs = if settings.contains(&"chroot=jail") { &[][..] } else { &logs };
        let (daemon, began) = (start(&lab, &[settings, logs].concat()), Instant::now());
        reload(&lab).ok().prints(&[&format!("reloaded pid {}", daemon.id())]);
        assert!(
            began.elapsed() >= Duration::from_millis(200) && (logs.is_empty() || lab.read("said") == "done."),
            "{settings:?}"
        );
        assert!(!status(&lab).ok().stdout.contains("says"), "{settings:?}");
        stop(&lab);
        assert!(!lab.path(WORDS).exists(), "{settings:?}");
        nothing_left(&lab);
    }
}

/// Promise 11.13.
#[test]
fn reload_waits_for_handlers_that_begin_after_the_request() {
    let lab = lab();
    // The first reload fails. The pause keeps its report from being replaced before the others could mistake it for theirs.
    start(&lab, &[SLOW, "handle=HUP:fail_first:seen", "handle=HUP:pause:200"]);
    let first = begin_reload(&lab);
    wait_for_handler(&lab, 1);
    // The handler that runs may have read an older configuration.
    let (second, third) = (begin_reload(&lab), begin_reload(&lab));
    lab.write("go", "");
    first.finish().exits(5).says(&["no seen"]);
    for reloading in [second, third] {
        reloading.finish().ok().prints(&["reloaded pid"]);
    }
    // Signals that are pending are merged, but one comes after the first handler has begun.
    assert!((2..=3).contains(&lab.read("begun").lines().count()), "{}", lab.read("begun"));
    stop(&lab);
}

/// Promise 11.13.
#[test]
fn reload_that_fails_says_why_and_status_warns_until_one_succeeds() {
    needs_root();
    for settings in [&[][..], &["user=nobody"]] {
        let lab = lab();
        fs::create_dir(lab.path("logs")).unwrap();
        let daemon = start(
            &lab,
            &[
                settings,
                &["handle=HUP:fail_unless:good", "handle=HUP:complain:second.", "stderr=said", "stdout=logs/out"],
            ]
            .concat(),
        );
        let failed = reload(&lab).exits(5);
        failed.says(&[&format!("failed to reload `lab` (pid {}): a handler of SIGHUP failed: no good", daemon.id())]);
        assert!(lab.read("said").contains("no good") && lab.read("said").contains("second."), "{}", lab.read("said"));
        status(&lab).ok().prints(&["it says: a handler of SIGHUP failed: no good"]);
        fs::write(lab.path("good"), "").unwrap();
        fs::rename(lab.path("logs"), lab.path("moved")).unwrap();
        reload(&lab).exits(5).says(&["failed to reopen stdout"]);
        status(&lab).ok().prints(&["it says: failed to reopen stdout"]);
        fs::rename(lab.path("moved"), lab.path("logs")).unwrap();
        reload(&lab).ok();
        assert!(!status(&lab).ok().stdout.contains("says"), "{settings:?}");
        stop(&lab);
        assert!(!lab.path(WORDS).exists(), "{settings:?}");
    }
}

#[test]
fn reload_of_a_panicking_handler_fails() {
    let lab = lab();
    start(&lab, &["handle=HUP:panic:off\x1b[2J"]);
    reload(&lab).exits(5).says(&["a handler of SIGHUP panicked: off\\u{1b}[2J"]);
    stop(&lab);
}

/// Promise 11.13.
#[test]
fn reload_of_a_daemon_that_ends_meanwhile_fails_with_the_cause() {
    let lab = lab();
    start(&lab, &["handle=HUP:exit:3"]);
    reload(&lab).exits(5).says(&["it ended; it said: the program called `exit`"]);
    lab.quiet(EVENT_TIMEOUT).expect("it ends");
    let daemon = start(&lab, &[SLOW]);
    let reloading = begin_reload(&lab);
    wait_for_handler(&lab, 1);
    daemon.signal(Signal::SIGKILL);
    reloading.finish().exits(5).says(&["it ended before it had reported that it has reloaded"]);
    stop(&lab);
    reload(&lab).exits(5).says(&["it is not running"]);
}

#[test]
fn sighup_is_not_sent_where_it_would_not_reload() {
    let lab = lab();
    for (settings, says) in [
        (["ignore=HUP"], "it ignores SIGHUP"),
        (["default=HUP"], "SIGHUP would end it"),
        (["replace=Signals:ask"], "SIGHUP would end it"),
    ] {
        let daemon = start(&lab, &settings);
        // A process that was made just now may still install its handlers.
        reload(&lab).exits(5).says(&[says]);
        assert!(daemon.alive(), "{settings:?}");
        daemon.signal(Signal::SIGKILL);
        daemon.died(EVENT_TIMEOUT).expect("killed");
        stop(&lab);
    }
    let daemon = start(&lab, &["handle=HUP:note:begun"]);
    suspend(daemon);
    reload(&lab).exits(5).says(&["it is suspended: resume it with SIGCONT"]);
    daemon.signal(Signal::SIGCONT);
    reload(&lab).ok();
    assert_eq!(lab.read("begun").lines().count(), 1);
    stop(&lab);
}

#[test]
fn reload_during_a_stop_fails() {
    let lab = lab();
    let daemon = start(&lab, &["handle=TERM:note:begun,await:go", "handle=HUP:note:never"]);
    daemon.signal(Signal::SIGTERM);
    wait_for_handler(&lab, 1);
    reload(&lab).exits(5).says(&["it is stopping"]);
    lab.write("go", "");
    daemon.died(EVENT_TIMEOUT).expect("it stops");
    assert!(!lab.path("never").exists());
}

#[test]
fn reload_of_a_starting_daemon_is_reported_once_it_is_ready() {
    let lab = lab();
    let starting = lab
        .helper(&["start", "pidfile=d.pid", "ready=manual", "body=await:go,ready,idle", "handle=HUP:note:begun"])
        .spawn();
    lab.wait_for(PIDFILE, EVENT_TIMEOUT, |content| content.ends_with('\n'));
    let reloading = begin_reload(&lab);
    wait_for_handler(&lab, 1);
    lab.write("go", "");
    starting.finish().ok();
    reloading.finish().ok().prints(&["reloaded pid"]);
    stop(&lab);
}

#[test]
fn reload_without_a_place_for_the_report_says_that_the_signal_is_all() {
    needs_root();
    let lab = shared_lab();
    fs::create_dir(lab.path("shared")).unwrap();
    fs::set_permissions(lab.path("shared"), Permissions::from_mode(0o1777)).unwrap();
    let settings = ["pidfile=shared/d.pid", "user=nobody", "handle=HUP:complain:done.", "stderr=said"];
    lab.helper(&["start"]).args(settings).run().ok();
    lab.helper(&["reload", "pidfile=shared/d.pid"]).run().ok().prints(&["sent SIGHUP to pid", "cannot report"]);
    lab.wait_for("said", EVENT_TIMEOUT, |said| said.contains("done."));
    lab.helper(&["stop", "pidfile=shared/d.pid"]).run().ok();
}

#[test]
fn reload_that_takes_too_long_says_what_the_daemon_has_done() {
    let lab = lab();
    let daemon = start(&lab, &[SLOW]);
    run(&lab, "reload", &["grace=200"]).exits(5).says(&["it has taken SIGHUP, but has not reported in time"]);
    // The report of that reload does not serve a later one.
    lab.write("go", "");
    reload(&lab).ok();
    assert!(daemon.alive());
    stop(&lab);
}
