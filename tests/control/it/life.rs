//! The endpoint from the daemon's start to its end, and what it tells of it.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use look::Process;

use crate::common::{PIDFILE, SOCKET, SOON, TOKEN, get, lab, nothing_left, post, start, try_start, unix};

#[test]
fn p5_14_a_stop_is_answered_and_the_endpoint_stays_until_the_work_has_drained() {
    let lab = lab();
    let daemon = start(&lab, &["tcp=127.0.0.1:0", "drain=1500"]);
    let mut connection = unix(&lab);
    for _ in 0..3 {
        let answer = connection.ask(&crate::common::posted("/stop", "x", "", "{}"));
        assert_eq!((answer.status(), answer.json()["state"].as_str()), (200, Some("stopping")));
    }
    assert_eq!(get(&lab, "/").json()["state"], "stopping");
    assert!(lab.path(SOCKET).exists() && lab.path(TOKEN).exists() && !lab.read("log").contains("drained"));
    daemon.died(SOON).expect("it ends");
    assert_eq!(lab.read("log"), "drained\n");
    nothing_left(&lab);
}

#[test]
fn p5_14_every_stop_is_answered_before_the_end() {
    let lab = lab();
    for round in 0..20 {
        start(&lab, &[]);
        let answers: Vec<u16> = thread::scope(|scope| {
            let asked: Vec<_> = (0..4).map(|_| unix(&lab)).collect();
            let ask = |mut connection: crate::http::Http<_>| {
                scope.spawn(move || {
                    connection.send(crate::common::posted("/stop", "x", "", "{}"));
                    connection.try_answer().map_or(0, |answer| answer.status())
                })
            };
            let asked: Vec<_> = asked.into_iter().map(ask).collect();
            asked.into_iter().map(|answer| answer.join().expect("an answer")).collect()
        });
        // Whoever asks when it is over has not been heard; whoever was, is answered.
        assert!(
            answers.contains(&200) && answers.iter().all(|status| [0, 200].contains(status)),
            "{round}: {answers:?}"
        );
        nothing_left(&lab);
    }
}

#[test]
fn what_is_being_answered_when_it_ends_is_answered() {
    let lab = lab();
    start(&lab, &[]);
    let mut slow = unix(&lab);
    slow.send(crate::common::posted("/event", "x", "", r#"{"name":"slow","ms":1000}"#));
    // The event has begun when it is counted.
    while get(&lab, "/status").json()["events"]["slow"] != 1 {}
    post(&lab, "/stop", "{}");
    assert_eq!(slow.answer().json()["success"], true);
    nothing_left(&lab);
}

#[test]
fn p5_15_a_port_that_somebody_has_is_told_and_nothing_is_left() {
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

#[test]
fn p5_16_answers_tell_nothing_that_is_not_the_askers_business() {
    let lab = lab();
    let started = lab.helper(&["start", "secret=HIDDEN-IN-ARGV"]).env("PASSWORD", "HIDDEN-IN-ENV").run();
    started.ok();
    let mut all = String::new();
    for path in ["/", "/status", "/metrics", "/own", "/own/panic", "/nothing", "/stop", "/event"] {
        all += &format!("{:?}\n", get(&lab, path));
    }
    for body in [r#"{"name":"panic"}"#, r#"{"name":"fail"}"#, r#"{"name":"nothing"}"#, "{", "null", "[]"] {
        all += &format!("{:?}\n", post(&lab, "/event", body));
    }
    all += &format!("{:?}\n", unix(&lab).ask("nonsense\r\n"));
    for secret in ["HIDDEN", "TOPSECRET", "PATH=", "panicked at", ".rs"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    // What somebody calls an event is no text for a terminal, nor a line of a log.
    let name = "x\u{1b}[2J\u{9b}1m\r\nINFO: all is well";
    let body = daemon::control::serde_json::json!({ "name": name }).to_string();
    let answer = post(&lab, "/event", &body);
    assert!(!answer.body.chars().any(char::is_control), "{answer:?}");
    assert!(!get(&lab, "/status").body.chars().any(char::is_control));
    assert!(!lab.read("err").contains("INFO: all is well"));
}

#[test]
fn restart_and_reload_are_those_of_the_daemon() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    assert_eq!(post(&lab, "/reload", "{}").json()["state"], "reloading");
    lab.wait_for("log", SOON, |log| log == "hup\n");
    let answer = post(&lab, "/restart", "{}");
    assert_eq!((answer.status(), answer.json()["state"].as_str()), (200, Some("restarting")));
    let other = |pidfile: &str| {
        let pid = pidfile.lines().next().and_then(|line| line.parse::<i32>().ok());
        pidfile.lines().count() >= 3 && pid.is_some_and(|pid| pid != daemon.id())
    };
    lab.wait_for(PIDFILE, SOON, other);
    assert!(!daemon.alive() || daemon.died(SOON).is_ok());
    let next: Process = lab.daemon(PIDFILE);
    assert_eq!(get(&lab, "/").json()["pid"], next.id());
    post(&lab, "/stop", "");
    nothing_left(&lab);
}

#[test]
fn the_addresses_are_in_the_pidfile_and_status_says_them() {
    let lab = lab();
    start(&lab, &["tcp=127.0.0.1:0"]);
    let told = lab.run(&["status"]).ok();
    let socket = format!("unix://{}", lab.path(SOCKET).display());
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert!(lines.len() == 2 && lines[0] == socket && lines[1].starts_with("http://127.0.0.1:"), "{lines:?}");
    assert_eq!(get(&lab, "/").json()["address"], socket);
    thread::sleep(Duration::ZERO);
}
