//! The start of an instance: the lock, forwarded launches, planted files.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::FileTypeExt;
use std::time::Duration;

use look::{Deadline, Lab};
use nix::sys::signal::Signal;

use crate::instance_helpers::{
    EVENT_TIMEOUT, First, PIDFILE, call, client, freeze, hold, lab, times, times_in_log, wait_for_state,
};

/// One launch becomes the instance, and every other launch gets its reply.
#[test]
fn concurrent_launches_all_reach_the_one_instance() {
    let lab = lab();
    for round in 0..times(1, 10) {
        let _ = fs::remove_file(lab.path("log"));
        let launches: Vec<_> =
            (0..100).map(|number| lab.helper(&["launch", "app", &format!("n{number}")]).spawn()).collect();
        lab.wait_for("log", Duration::from_secs(30), |log| {
            log.lines().filter(|line| line.starts_with("arrived ")).count() == 99
        });
        let log = lab.read("log");
        let first: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("primary ")).collect();
        assert_eq!(first.len(), 1, "round {round}: {log}");
        call(&lab, &["stop"]);
        let outcomes: Vec<_> = launches.into_iter().map(|launch| launch.finish().ok().stdout).collect();
        let primary = format!("primary {}\n", first[0]);
        assert_eq!(outcomes.iter().filter(|said| **said == primary).count(), 1, "{outcomes:?}");
        for (number, said) in outcomes.iter().enumerate().filter(|(_, said)| **said != primary) {
            assert_eq!(*said, format!("forwarded {} \"n{number}\"\n", first[0]), "round {round}");
        }
        let arrivals: Vec<&str> = log.lines().filter(|line| line.starts_with("arrived ")).collect();
        let different: std::collections::BTreeSet<&&str> = arrivals.iter().collect();
        assert_eq!(different.len(), 99, "an event came twice: {arrivals:?}");
        assert_eq!(times_in_log(&lab, "on_stop"), 1);
        nothing_left(&lab);
    }
}

/// Promise 1.44.
#[test]
fn second_launch_with_arguments_not_utf8_passes_them_on() {
    let lab = lab();
    let first = lab.helper(&["open", "app"]).spawn();
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.starts_with("primary "));
    let script = "APP=$PWD/app && mkdir gone && cd gone && $1 rmdir ../gone && exec $D open $APP $'\\xff\\xfe' plain";
    for (place, directory) in [("", "None"), (":", "Some(")] {
        lab.command("bash", &["-c", script, "bash", place]).env("D", lab.program()).run().ok();
        let opened =
            format!("\"open\", \"{}\", \"\\xFF\\xFE\", \"plain\"], directory: {directory}", lab.path("app").display());
        let log = lab.read("log");
        assert!(log.lines().last().is_some_and(|line| line.contains(&opened)), "{opened}: {log}");
    }
    first.signal(Signal::SIGTERM);
    first.finish().ok();
}

#[test]
fn second_launch_gets_a_client_of_the_instance() {
    let lab = lab();
    // The maximum timeout does not overflow the clock.
    let first = hold(&lab, &[&format!("lock_timeout={}", u64::MAX)]);
    let pid = first.process.id();
    assert_eq!(call(&lab, &["pid"]), format!("Some({pid})"));
    let second = call(&lab, &["start"]);
    assert!(second.starts_with(&format!("AlreadyRunning {{ pid: Pid({pid}) }}")), "{second}");
    assert!(second.ends_with(r#"{"success":true,"echo":"you"}"#), "{second}");
    lab.helper(&["hold", "app"]).run().exits(3).says(&["AlreadyRunning", &format!("already running as pid {pid}")]);
    assert_eq!(call(&lab, &["get", "/custom"]), "\"a route of its own\"");
    assert_eq!(call(&lab, &["send", "event", r#"{"name":"echo","what":[1]}"#]), r#"{"success":true,"echo":[1]}"#);
    end(&lab, first);
}

/// No instance, one that responds, and one that does not.
#[test]
fn presence_is_none_running_or_unresponsive() {
    let lab = lab();
    assert_eq!(call(&lab, &["running"]), "None");
    let first = hold(&lab, &[]);
    let pid = first.process.id();
    assert_eq!(call(&lab, &["running"]), format!("Running {{ pid: Pid({pid}), address: {:?} }}", first.address));
    freeze(first.process);
    let held = lab.helper(&["call", "app", "running"]).run().ok();
    assert!(held.stdout.starts_with("Unresponsive(\"failed to request `/`: no response within"), "{held}");
    first.process.signal(Signal::SIGCONT);
    end(&lab, first);
    assert_eq!(call(&lab, &["running"]), "None");
    let lock = lab.helper(&["lock", PIDFILE, "100000"]).spawn();
    lab.wait_for(PIDFILE, EVENT_TIMEOUT, str::is_empty);
    assert_eq!(call(&lab, &["running"]), "Unresponsive(\"it is starting\")");
    lock.signal(Signal::SIGKILL);
}

/// Promise 5.08. After a crash the kernel has released the lock, and the files that were left are replaced.
#[test]
fn launch_after_a_crash_becomes_the_instance() {
    let lab = lab();
    let mut before = None;
    for _ in 0..3 {
        let first = hold(&lab, &["address=127.0.0.1:0"]);
        let socket = lab.path("app/.control/socket");
        assert!(fs::metadata(&socket).expect("a socket").file_type().is_socket());
        let token = lab.read("app/.control/token");
        assert!(before.as_ref() != Some(&token), "the token is not new");
        before = Some(token);
        assert_eq!(call(&lab, &["event", "echo", r#"{"what":1}"#]), r#"{"success":true,"echo":1}"#);
        first.process.signal(Signal::SIGKILL);
        first.program.finish();
        assert_eq!(call(&lab, &["running"]), "None");
        lab.helper(&["call", "app", "get", "/"]).run().exits(5).says(&["NotRunning", "it is dead"]);
    }
    let first = hold(&lab, &[]);
    end(&lab, first);
}

/// Promise 5.08. A file that is not a socket of the user is not removed.
#[test]
fn planted_file_in_place_of_the_socket_fails_the_start() {
    let lab = lab();
    fs::create_dir_all(lab.path("app/.control")).expect("a directory");
    lab.write("app/.control/socket", "precious");
    lab.helper(&["hold", "app"]).run().exits(2).says(&["Start", "app/.control/socket", "not a socket"]);
    assert_eq!(lab.read("app/.control/socket"), "precious");
    assert!(!lab.path(PIDFILE).exists(), "a pidfile left behind");
}

/// Promise 5.15.
#[test]
fn port_in_use_is_an_error_that_names_it() {
    let lab = lab();
    let stranger = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("address={}", stranger.local_addr().expect("an address"));
    let said = lab.helper(&["hold", "app", &address]).run().exits(2);
    said.says(&["failed to start instance `only`", &address[8..], "in use"]);
    assert!(!lab.path(PIDFILE).exists() && times_in_log(&lab, "on_stop") == 0);
    drop(stranger);
    let first = hold(&lab, &[&address]);
    assert!(lab.read(PIDFILE).lines().any(|line| line == format!("http://{}", &address[8..])));
    end(&lab, first);
}

/// A launch that finds the lock held and no address waits for one of them until the timeout.
#[test]
fn lock_without_an_address_is_waited_for() {
    let lab = lab();
    fs::create_dir(lab.path("app")).expect("a directory");
    let lock = lab.helper(&["lock", PIDFILE, "5000"]).spawn();
    lab.wait_for(PIDFILE, EVENT_TIMEOUT, str::is_empty);
    let impatient = lab.helper(&["hold", "app", "lock_timeout=300"]).run().exits(3);
    assert!(impatient.took < crate::common::AT_ONCE, "{impatient}");
    impatient.says(&["Unresponsive", "locked, but not by a daemon"]);
    let first = hold(&lab, &["lock_timeout=20000"]);
    lock.finish().ok();
    end(&lab, first);
}

/// An instance that is exiting is waited for, and this process becomes the next one.
#[test]
fn instance_that_is_exiting_is_waited_for() {
    let lab = lab();
    fs::create_dir(lab.path("app")).expect("a directory");
    let leaving = lab.helper(&["seal", PIDFILE, "unix:///no/socket"]).spawn();
    lab.wait_for(PIDFILE, EVENT_TIMEOUT, |text| text.lines().count() == 3);
    let launch = lab.helper(&["launch", "app", "next"]).spawn();
    // The launch has found the lock held, and sleeps between its attempts.
    wait_for_state(launch.process(), 'S');
    std::thread::sleep(Duration::from_millis(300));
    assert!(launch.process().alive(), "it has given up");
    leaving.signal(Signal::SIGKILL);
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains(&format!("primary {}\n", launch.process().id())));
    call(&lab, &["stop"]);
    launch.finish().ok();
    nothing_left(&lab);
}

/// The pidfile is written at once: it never names a process without an address.
#[test]
fn pidfile_is_empty_or_complete_at_any_time() {
    let lab = lab();
    fs::create_dir(lab.path("app")).expect("a directory");
    let program = lab.helper(&["hold", "app", "address=127.0.0.1:0"]).spawn();
    let text =
        look::file(&lab.path(PIDFILE), Deadline::after(EVENT_TIMEOUT), |bytes| !bytes.is_empty()).expect("an instance");
    let text = String::from_utf8(text).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[0], program.process().id().to_string());
    // The requested address is the first; clients of this library prefer the socket, where they need no token.
    assert!(lines[2].starts_with("http://127.0.0.1:"), "{text}");
    assert_eq!(lines[3], format!("unix://{}", lab.path("app/.control/socket").display()));
    fs::remove_file(lab.path("app/.control/token")).expect("a token");
    // A client that reads an address can connect to it.
    assert!(call(&lab, &["get", "/"]).contains("\"success\":true"));
    client(&lab, PIDFILE, &["async", "get", "/"]).ok();
    let running = call(&lab, &["running"]);
    assert!(running.ends_with(&format!("address: {:?} }}", lines[2])), "{running}");
    wait_for_state(program.process(), 'S');
    program.signal(Signal::SIGTERM);
    program.finish().ok();
}

#[track_caller]
pub(crate) fn end(lab: &Lab, first: First<'_>) {
    call(lab, &["stop"]);
    first.program.finish().ok();
    nothing_left(lab);
}

#[track_caller]
pub(crate) fn nothing_left(lab: &Lab) {
    lab.quiet(EVENT_TIMEOUT).expect("processes are left behind");
    for left in [PIDFILE, "app/.control"] {
        assert!(!lab.path(left).exists(), "`{left}` is left behind");
    }
}
