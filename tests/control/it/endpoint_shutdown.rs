//! The endpoint from the start of the daemon to its end.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use look::Process;
use nix::sys::signal::Signal;

use crate::common::{
    EVENT_TIMEOUT, PIDFILE, SOCKET, TOKEN, address, authorization, get, lab, nothing_left, post, posted, shared_lab,
    start, tcp, try_start, unix,
};
use crate::http::Http;

/// Promise 5.14.
#[test]
fn stop_is_answered_and_endpoint_stays_until_the_body_ends() {
    let lab = lab();
    let daemon = start(&lab, &["tcp=127.0.0.1:0", "body=drain"]);
    let mut connection = unix(&lab);
    for _ in 0..3 {
        let answer = connection.ask(&posted("/stop", "x", "", "{}"));
        assert_eq!((answer.status(), answer.json()["state"].as_str()), (200, Some("stopping")));
    }
    assert_eq!(get(&lab, "/").json()["state"], "stopping");
    assert!(lab.path(SOCKET).exists() && lab.path(TOKEN).exists() && !lab.read("log").contains("drained"));
    daemon.died(EVENT_TIMEOUT).expect("it ends");
    assert_eq!(lab.read("log"), "drained\n");
    nothing_left(&lab);
}

/// Promise 5.14. The daemon is suspended until all requests have arrived.
#[test]
fn repeated_stops_are_all_answered() {
    let lab = lab();
    for round in 0..10 {
        let daemon = start(&lab, &["tcp=127.0.0.1:0"]);
        let host = address(&lab);
        let mut known: Vec<_> = (0..4).map(|_| unix(&lab)).collect();
        for connection in &mut known {
            assert_eq!(connection.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status(), 200);
        }
        daemon.signal(Signal::SIGSTOP);
        let (fresh, remote) = ((0..4).map(|_| unix(&lab)), (0..4).map(|_| tcp(&lab)));
        let (mut local, mut remote): (Vec<_>, Vec<_>) = (known.into_iter().chain(fresh).collect(), remote.collect());
        for connection in &mut local {
            connection.send(posted("/stop", "x", "", "{}"));
        }
        let over_tcp = posted("/stop", &host.to_string(), &authorization(&lab), "{}");
        for connection in &mut remote {
            connection.send(&over_tcp);
        }
        daemon.signal(Signal::SIGCONT);
        let mut answers: Vec<_> = local.iter_mut().map(Http::try_answer).collect();
        answers.extend(remote.iter_mut().map(Http::try_answer));
        let statuses: Vec<u16> =
            answers.iter().map(|answer| answer.as_ref().map_or(0, |answer| answer.status)).collect();
        assert_eq!(statuses, [200; 12], "{round}");
        daemon.died(EVENT_TIMEOUT).expect("it ends");
        nothing_left(&lab);
    }
}

/// Promise 5.14.
#[test]
fn request_during_shutdown_is_answered_or_refused_with_503() {
    let lab = lab();
    start(&lab, &[]);
    let mut events = [200, 30_000].map(|time| {
        let mut slow = unix(&lab);
        slow.send(posted("/event", "x", "", &format!(r#"{{"name":"slow","ms":{time}}}"#)));
        slow
    });
    // A counted event has been passed to its handler.
    while get(&lab, "/status").json()["events"]["slow"] != 2 {}
    let begun = Instant::now();
    post(&lab, "/stop", "{}");
    assert_eq!(events[0].answer().json()["success"], true);
    let late = events[1].answer();
    assert_eq!((late.status(), late.json()["message"].as_str()), (503, Some("the daemon is shutting down")));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    nothing_left(&lab);
}

/// Promise 5.14. The daemon waits for the endpoint no longer than for any other attachment. The files of the endpoint are removed by then.
#[test]
fn daemon_whose_body_never_ends_leaves_no_files() {
    let lab = lab();
    for (how, settings) in [
        ("grace", ["body=ask_and_hang", "grace=300"]),
        ("second stop", ["body=ask_and_hang", "grace=60000"]),
        ("never asks", ["body=hang", "grace=60000"]),
    ] {
        let daemon = start(&lab, &[&settings[..], &["tcp=127.0.0.1:0"]].concat());
        let mut slow = unix(&lab);
        slow.send(posted("/event", "x", "", r#"{"name":"slow","ms":30000}"#));
        while get(&lab, "/status").json()["events"]["slow"] != 1 {}
        daemon.signal(Signal::SIGTERM);
        if how == "second stop" {
            while get(&lab, "/").json()["state"] != "stopping" {}
            // Two signals at once are a single stop.
            thread::sleep(Duration::from_millis(1500));
            daemon.signal(Signal::SIGTERM);
        }
        assert_eq!(slow.answer().status(), 503, "{how}");
        daemon.died(EVENT_TIMEOUT).expect("it ends");
        nothing_left(&lab);
    }
}

/// Promise 5.15.
#[test]
fn port_in_use_fails_the_start_and_leaves_no_files() {
    let lab = lab();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let failed = try_start(&lab, &[&format!("tcp={address}")]).exits(2);
    failed.says(&[&format!("failed to listen on `{address}`"), "in use"]);
    nothing_left(&lab);
    drop(taken);
    start(&lab, &[&format!("tcp={address}")]);
    assert!(lab.read(PIDFILE).contains(&format!("http://{address}\n")));
}

/// Promise 5.16.
#[test]
fn responses_reveal_no_internals() {
    let lab = lab();
    let started = lab.helper(&["start", "secret=HIDDEN-IN-ARGV"]).env("PASSWORD", "HIDDEN-IN-ENV").run();
    started.ok();
    let mut all = Vec::new();
    for path in ["/", "/status", "/metrics", "/own", "/own/panic", "/nothing", "/stop", "/event"] {
        all.push(get(&lab, path));
    }
    for body in [r#"{"name":"panic"}"#, r#"{"name":"fail"}"#, r#"{"name":"nothing"}"#, "{", "null", "[]"] {
        all.push(post(&lab, "/event", body));
    }
    all.push(unix(&lab).ask("nonsense\r\n"));
    // The log reports the failures, with one line for each, because only the owner can read it.
    let bad = daemon::control::serde_json::json!({ "name": "bad\u{1b}[2J\r\nINFO: all is well" }).to_string();
    all.push(post(&lab, "/event", &bad));
    let logged = lab.wait_for("err", EVENT_TIMEOUT, |log| log.contains("bad\\u{1b}[2J\\r\\nINFO: all is well"));
    assert!(logged.contains("ERROR: the handler of the event `panic` panicked"), "{logged}");
    assert!(logged.contains("ERROR: a route of the endpoint panicked"), "{logged}");
    assert!(!logged.contains("HIDDEN") && !logged.contains("\nINFO: all") && !logged.contains('\u{1b}'), "{logged}");
    let all = format!("{all:?}");
    for secret in ["HIDDEN", "TOPSECRET", "PATH=", "panicked at", ".rs"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    // The name of an event must not reach a terminal or a log unescaped.
    let name = "x\u{1b}[2J\u{9b}1m\r\nINFO: all is well";
    let body = daemon::control::serde_json::json!({ "name": name }).to_string();
    let answer = post(&lab, "/event", &body);
    assert!(!answer.body.chars().any(char::is_control), "{answer:?}");
    assert!(!get(&lab, "/status").body.chars().any(char::is_control));
    assert!(!lab.read("err").contains("\nINFO: all is well"));
}

#[test]
fn restart_and_reload_act_on_the_daemon() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    assert_eq!(post(&lab, "/reload", "{}").json()["state"], "reloading");
    lab.wait_for("log", EVENT_TIMEOUT, |log| log == "hup\n");
    let answer = post(&lab, "/restart", "{}");
    assert_eq!((answer.status(), answer.json()["state"].as_str()), (200, Some("restarting")));
    let other = |pidfile: &str| {
        let pid = pidfile.lines().next().and_then(|line| line.parse::<i32>().ok());
        pidfile.lines().count() >= 3 && pid.is_some_and(|pid| pid != daemon.id())
    };
    lab.wait_for(PIDFILE, EVENT_TIMEOUT, other);
    assert!(!daemon.alive() || daemon.died(EVENT_TIMEOUT).is_ok());
    let next: Process = lab.daemon(PIDFILE);
    assert_eq!(get(&lab, "/").json()["pid"], next.id());
    post(&lab, "/stop", "");
    nothing_left(&lab);
}

/// Promise 1.28. The client that requests the restart receives the reason why the old program goes on.
#[test]
fn restart_into_program_that_cannot_start_is_answered_with_the_error() {
    let lab = shared_lab();
    let daemon = start(&lab, &[]);
    fs::remove_file(lab.program()).unwrap();
    fs::write(lab.program(), "#!/bin/sh\nexit 3\n").unwrap();
    fs::set_permissions(lab.program(), fs::Permissions::from_mode(0o755)).unwrap();
    let answer = post(&lab, "/restart", "{}");
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(answer.status() == 409 && message.contains("exited with status 3 before it was ready"), "{answer:?}");
    assert_eq!(get(&lab, "/").json()["pid"], daemon.id());
    assert_eq!(get(&lab, "/").json()["state"], "running");
}

/// Promise 1.29.
#[test]
fn stop_during_a_restart_stops_the_new_program() {
    let lab = lab();
    let daemon = start(&lab, &["body=drain"]);
    assert_eq!(post(&lab, "/restart", "{}").json()["state"], "restarting");
    assert_eq!(post(&lab, "/stop", "{}").json()["state"], "stopping");
    daemon.died(EVENT_TIMEOUT).expect("it was told to");
    nothing_left(&lab);
    assert_eq!(lab.read("log"), "drained\n");
}

#[test]
fn addresses_are_in_the_pidfile_and_the_status() {
    let lab = lab();
    start(&lab, &["tcp=127.0.0.1:0"]);
    let told = lab.run(&["status"]).ok();
    let socket = format!("unix://{}", lab.path(SOCKET).display());
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert!(lines.len() == 2 && lines[0] == socket && lines[1].starts_with("http://127.0.0.1:"), "{lines:?}");
    assert_eq!(get(&lab, "/").json()["address"], socket);
}
