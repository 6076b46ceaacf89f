//! `sd_notify(3)`: the messages of a daemon to its service manager, and the effect of a manager that does not read.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, needs_root, nothing_left, run, shared_lab, times};
use crate::service_manager::{ServiceManager, monotonic, spawn};

/// The time in which an unwanted message would arrive.
pub(crate) const NEVER: Duration = Duration::from_millis(500);

/// Promise 1.11.
#[test]
fn ready_is_sent_once_after_the_last_stage() {
    for settings in [
        ["ready=auto", "body=note:begun,ready,ready,idle"],
        ["ready=manual", "body=pause:200,note:begun,ready,ready,idle"],
    ] {
        let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
        let daemon = manager.foreground(&lab, &settings);
        manager.receives("READY=1\n");
        assert!(lab.daemon(PIDFILE).alive(), "ready without a pidfile");
        if settings[0] == "ready=manual" {
            assert!(lab.path("begun").exists(), "ready before the body said so");
        }
        assert_eq!(manager.recv(NEVER), None);
        daemon.signal(Signal::SIGTERM);
        daemon.finish().ok();
        manager.receives("STOPPING=1\n");
        assert_eq!(manager.recv(Duration::ZERO), None);
    }
}

/// Promise 1.33. A body that fails before its first look, and within 100 ms, was never ready; a silent one is ready
/// then.
#[test]
fn ready_is_sent_after_the_first_look_and_not_before_a_failure() {
    for (body, code) in [("err:no such table", 4), ("panic:no such table", 4), ("exit:7", 7)] {
        let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
        manager.foreground(&lab, &[&format!("body={body}")]).finish().exits(code);
        assert_ne!(manager.recv(Duration::ZERO).as_deref(), Some("READY=1\n"), "{body}");
    }
    for body in ["note:begun,await:go,ask,hang", "note:begun,hang", "say:done"] {
        let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
        let daemon = manager.foreground(&lab, &[&format!("body={body}"), "grace=100"]);
        manager.receives("READY=1\n");
        daemon.signal(Signal::SIGTERM);
        daemon.finish();
    }
}

/// Promise 1.11.
#[test]
fn notify_socket_can_have_a_path_or_an_abstract_name() {
    let lab = lab();
    for manager in [ServiceManager::at_path(&lab), ServiceManager::with_abstract_name()] {
        let daemon = manager.foreground(&lab, &[]);
        manager.receives("READY=1\n");
        // A daemon that is stopped twice reports it once.
        daemon.signal(Signal::SIGTERM);
        daemon.signal(Signal::SIGTERM);
        daemon.finish();
        manager.receives("STOPPING=1\n");
        assert_eq!(manager.recv(Duration::ZERO), None);
        nothing_left(&lab);
    }
}

/// Promise 1.11. Only root could open the socket; a daemon that became another user still sends.
#[test]
fn daemon_that_became_another_user_still_notifies() {
    needs_root();
    let lab = shared_lab();
    let manager = ServiceManager::at_path(&lab);
    let daemon = manager.foreground(&lab, &["user=65534"]);
    manager.receives("READY=1\n");
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
    manager.receives("STOPPING=1\n");
}

/// Promise 1.11.
#[test]
fn reload_sends_the_time_first_and_ready_last() {
    let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
    let daemon = manager.foreground(&lab, &["handle=HUP:note:reloaded"]);
    manager.receives("READY=1\n");
    for round in 1..=times(5, 100) {
        let before = monotonic();
        daemon.signal(Signal::SIGHUP);
        let words = manager.recv(EVENT_TIMEOUT).expect("a word");
        let time = words.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|rest| rest.strip_suffix('\n'));
        let time = time.and_then(|digits| digits.parse().ok()).map(Duration::from_micros);
        // The time is truncated to microseconds.
        let is_now = |time| before <= time + Duration::from_micros(1) && time <= monotonic();
        assert!(time.is_some_and(is_now), "{words:?}");
        manager.receives("READY=1\n");
        assert_eq!(lab.read("reloaded").lines().count(), round, "said before the handlers were done");
    }
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
    manager.receives("STOPPING=1\n");
}

/// Promise 1.11. The state of a unit shows a reload that failed, until one succeeds.
#[test]
fn failed_reload_sends_its_reason_as_the_status_after_ready() {
    let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
    let daemon = manager.foreground(&lab, &["handle=HUP:fail_unless:good\nX=1"]);
    manager.receives("READY=1\n");
    let reload = |status: &str, good: &str| {
        lab.write(good, "");
        let reloaded = run(&lab, "reload", &[]);
        assert!(manager.recv(EVENT_TIMEOUT).is_some_and(|text| text.starts_with("RELOADING=1\nMONOTONIC_USEC=")));
        manager.receives("READY=1\n");
        manager.receives(status);
        reloaded
    };
    reload("STATUS=a handler of SIGHUP failed: no good X=1\n", "bad").exits(5);
    reload("STATUS=\n", "good\nX=1").ok();
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
    manager.receives("STOPPING=1\n");
}

/// Promise 1.11.
#[test]
fn nothing_is_sent_after_stopping() {
    let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
    let daemon = manager.foreground(&lab, &["handle=HUP:note:reloading,pause:300,err:late"]);
    manager.receives("READY=1\n");
    daemon.signal(Signal::SIGHUP);
    lab.wait_for("reloading", EVENT_TIMEOUT, |lines| !lines.is_empty());
    daemon.signal(Signal::SIGTERM);
    daemon.signal(Signal::SIGHUP);
    daemon.finish().ok();
    let all: Vec<_> = std::iter::from_fn(|| manager.recv(Duration::ZERO)).collect();
    assert!(all[0].starts_with("RELOADING=1\n"), "{all:?}");
    assert_eq!(all.iter().filter(|words| *words == "STOPPING=1\n").count(), 1, "{all:?}");
    assert_eq!(all.last().map(String::as_str), Some("STOPPING=1\n"), "{all:?}");
}

/// Promise 1.11.
#[test]
fn daemon_that_fails_before_readiness_never_sends_ready() {
    let bodies = ["body=err:no", "body=exit:3", "body=panic:no", "body=kill:KILL", "body=idle"];
    for (body, stopped) in bodies.into_iter().map(|body| (body, body == "body=idle")) {
        let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
        let daemon = manager.foreground(&lab, &["ready=manual", body, "after=Stdio:note:up"]);
        lab.wait_for("up", EVENT_TIMEOUT, |lines| !lines.is_empty());
        if stopped {
            daemon.signal(Signal::SIGTERM);
        }
        daemon.finish();
        let all: Vec<_> = std::iter::from_fn(|| manager.recv(Duration::ZERO)).collect();
        assert!(all.iter().all(|words| !words.contains("READY")), "{body}: {all:?}");
    }
}

/// Promise 1.11. The manager started the launcher, so the daemon sends its own pid; a launcher that the manager did not
/// start sends nothing.
#[test]
fn detached_daemon_sends_its_pid() {
    for (meant, script) in [
        (true, "export SYSTEMD_EXEC_PID=$$; exec $D start detach=always pidfile=d.pid"),
        (false, "export SYSTEMD_EXEC_PID=1; exec $D start detach=always pidfile=d.pid"),
        (false, "exec $D start detach=always pidfile=d.pid"),
    ] {
        let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
        lab.shell(script).env("NOTIFY_SOCKET", &manager.address).run().ok();
        if meant {
            manager.receives(&format!("MAINPID={}\n", lab.daemon(PIDFILE).id()));
            manager.receives("READY=1\n");
        }
        lab.run(&["stop", "pidfile=d.pid"]).ok();
        if meant {
            manager.receives("STOPPING=1\n");
        }
        assert_eq!(manager.recv(Duration::ZERO), None);
    }
}

/// Promise 1.11.
#[test]
fn absent_or_deaf_manager_does_not_block() {
    let lab = lab();
    lab.write("file", "");
    drop(UnixDatagram::bind(lab.path("dead")).expect("a socket"));
    let relative = UnixDatagram::bind(lab.path("relative")).expect("a socket");
    let deaf = ServiceManager::at_path(&lab).with_full_queue();
    let path = |name: &str| lab.path(name).display().to_string();
    let long = format!("/{}", "x".repeat(200));
    for address in
        [&path("missing"), &path("file"), &path("dead"), "/", "relative", "", "@", &long, "vsock:2:1", &deaf.address]
    {
        let begin = Instant::now();
        let daemon = spawn(&lab, address, &["handle=HUP:note:reloaded"], &[("WATCHDOG_USEC", "100000")]);
        lab.wait_for(PIDFILE, EVENT_TIMEOUT, |content| content.ends_with('\n'));
        daemon.signal(Signal::SIGHUP);
        lab.wait_for("reloaded", EVENT_TIMEOUT, |lines| !lines.is_empty());
        daemon.signal(Signal::SIGTERM);
        daemon.finish().ok();
        assert!(begin.elapsed() < Duration::from_secs(5), "{address:?} kept it for {:?}", begin.elapsed());
        nothing_left(&lab);
        fs::remove_file(lab.path("reloaded")).expect("it was written");
    }
    relative.set_nonblocking(true).expect("a socket");
    assert!(relative.recv(&mut [0; 100]).is_err(), "a path from nowhere in particular was taken");
}

/// Promise 1.11.
#[test]
fn daemon_survives_the_end_of_its_manager() {
    let lab = lab();
    let manager = ServiceManager::at_path(&lab);
    let daemon = manager.foreground(&lab, &["handle=HUP:note:reloaded"]);
    manager.receives("READY=1\n");
    drop(manager);
    daemon.signal(Signal::SIGHUP);
    lab.wait_for("reloaded", EVENT_TIMEOUT, |lines| !lines.is_empty());
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
}
