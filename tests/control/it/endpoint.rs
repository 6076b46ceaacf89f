//! The built-in routes, user routes, events and the page.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::common::{
    AT_ONCE, EVENT_TIMEOUT, address, authorization, get, lab, nothing_left, post, posted, start, tcp, try_start, unix,
};

#[test]
fn root_and_status_report_the_daemon() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    let who = get(&lab, "/").json();
    assert_eq!((&who["success"], &who["name"], &who["pid"]), (&true.into(), &"lab".into(), &daemon.id().into()));
    assert_eq!((who["app_dir"].as_str(), who["state"].as_str()), (lab.directory().to_str(), Some("running")));
    assert!(who["uptime"].as_f64().is_some_and(|uptime| uptime < 60.0) && who["version"].is_string());
    post(&lab, "/event", r#"{"name":"echo"}"#);
    let how = get(&lab, "/status").json();
    assert_eq!((&how["events"]["echo"], &how["events"]["later"]), (&1.into(), &0.into()));
    assert_eq!(how["threads"].as_u64().map(|threads| threads > 1), Some(true));
    assert!(how["memory"].as_u64().is_some_and(|memory| memory > 500_000), "{how}");
    assert_eq!(how["counters"]["steps"], 0);
    let metrics = get(&lab, "/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(metrics.body.contains("\ndaemon_events_total{name=\"echo\"} 1\n"), "{}", metrics.body);
    assert!(metrics.body.contains("\ndaemon_events_total{name=\"odd\\\"name\\n\"} 0\n"), "{}", metrics.body);
    assert!(metrics.body.lines().all(|line| line.starts_with('#') || line.starts_with("daemon_")));
}

/// Promise 5.22.
#[test]
fn status_of_a_daemon_with_a_warning_reports_it() {
    let lab = lab();
    let daemon = start(&lab, &["body=ask_and_hang", "grace=50"]);
    assert!(get(&lab, "/status").json()["warning"].is_null());
    fs::rename(lab.path("out"), lab.path("old")).expect("a log");
    fs::create_dir(lab.path("out")).expect("a directory");
    daemon.signal(Signal::SIGHUP);
    // SIGHUP handlers run after the log files were reopened.
    lab.wait_for("log", EVENT_TIMEOUT, |text| text.contains("hup"));
    let why =
        format!("failed to reopen stdout `{}`: it is a directory; it stays where it was", lab.path("out").display());
    assert_eq!(get(&lab, "/status").json()["warning"], why);
    daemon.signal(Signal::SIGTERM);
    nothing_left(&lab);
    let client = lab.helper(&["client"]).run().ok();
    client.prints(&["it is not running; ended", "it said: did not end within its grace of 50ms, and was ended"]);
}

#[test]
fn version_and_metrics_of_the_user_are_reported() {
    let lab = lab();
    start(&lab, &["version=7.8.9"]);
    assert_eq!(get(&lab, "/").json()["version"], "7.8.9");
    let metrics = get(&lab, "/metrics").body;
    assert!(metrics.starts_with("# HELP daemon_uptime_seconds") && metrics.ends_with("\nlab_more 7\n"), "{metrics}");
}

#[test]
fn event_is_answered_by_its_handler() {
    let lab = lab();
    start(&lab, &[]);
    for (event, expected) in [
        (r#"{"name":"echo","x":[1,2]}"#, r#"{"success":true,"name":"echo","x":[1,2]}"#),
        (r#"{"name":"later","x":3}"#, r#"{"success":true,"later":3}"#),
        (r#"{"name":"fail"}"#, r#"{"success":false,"message":"it failed"}"#),
        (r#"{"name":"panic"}"#, r#"{"success":false,"message":"the handler of panic panicked"}"#),
        (r#"{"name":"none"}"#, r#"{"success":false,"message":"no handler found for none"}"#),
        (r#"{"x":1}"#, r#"{"success":false,"message":"the event is not a JSON object with a string `name`"}"#),
        ("7", r#"{"success":false,"message":"the event is not a JSON object with a string `name`"}"#),
    ] {
        let answer = post(&lab, "/event", event);
        assert_eq!((answer.status(), answer.body.as_str()), (200, expected), "{event}");
    }
    assert_eq!(post(&lab, "/event", "{").status(), 400);
}

#[test]
fn slow_handler_delays_no_other_event() {
    let lab = lab();
    start(&lab, &[]);
    let mut slow = unix(&lab);
    let begun = Instant::now();
    slow.send(posted("/event", "x", "", r#"{"name":"slow","ms":6000}"#));
    for _ in 0..10 {
        assert_eq!(post(&lab, "/event", r#"{"name":"echo"}"#).status(), 200);
    }
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(slow.answer().status(), 200);
    assert!(begun.elapsed() >= Duration::from_secs(6));
}

#[test]
fn published_event_reaches_all_readers() {
    let lab = lab();
    start(&lab, &[]);
    assert_eq!(post(&lab, "/event", r#"{"name":"publish"}"#).json()["readers"], 0);
    let mut reader = unix(&lab);
    reader.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    let head = String::from_utf8(reader.until(b"\r\n\r\n").expect("a head")).expect("text");
    assert!(head.contains("content-type: text/event-stream\r\n") && head.contains("transfer-encoding: chunked\r\n"));
    let mut next = || {
        let event = reader.until(b"\n\n\r\n").expect("an event");
        let event = String::from_utf8(event).expect("text");
        event.split_once("\r\n").map(|(_, event)| event.trim().to_owned()).expect("a chunk")
    };
    assert_eq!(next(), "event: state\ndata: {\"state\":\"running\"}");
    assert_eq!(post(&lab, "/event", r#"{"name":"publish","what":{"a":"1\n2"}}"#).json()["readers"], 1);
    assert_eq!(next(), "event: said\ndata: {\"a\":\"1\\n2\"}");
    post(&lab, "/reload", "{}");
    assert_eq!(next(), "event: state\ndata: {\"state\":\"reloading\"}");
    assert_eq!(next(), "event: state\ndata: {\"state\":\"running\"}");
    post(&lab, "/stop", "{}");
    assert_eq!(next(), "event: state\ndata: {\"state\":\"stopping\"}");
    assert_eq!(reader.until(b"0\r\n\r\n").expect("the last chunk"), b"0\r\n\r\n");
    reader.ended();
    nothing_left(&lab);
}

#[test]
fn stalled_reader_delays_no_other_reader() {
    let lab = lab();
    start(&lab, &[]);
    let mut deaf = unix(&lab);
    deaf.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    deaf.until(b"\r\n\r\n").expect("a head");
    let long = format!(r#"{{"name":"publish","what":"{}"}}"#, "x".repeat(10_000));
    let begun = Instant::now();
    (0..400).for_each(|_| assert_eq!(post(&lab, "/event", &long).status(), 200));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    post(&lab, "/stop", "{}");
    nothing_left(&lab);
}

#[test]
fn user_route_is_served_under_the_access_rules() {
    let lab = lab();
    start(&lab, &["tcp=127.0.0.1:0"]);
    assert_eq!(get(&lab, "/own").body, "own");
    assert_eq!(post(&lab, "/own", "[1]").body, "[1]");
    assert_eq!(get(&lab, "/own/large").body.len(), 300_000);
    assert_eq!(get(&lab, "/own/stream").body, "chunk 2\nchunk 1\nchunk 0\n");
    assert_eq!(get(&lab, "/own/panic").status(), 500);
    assert_eq!(get(&lab, "/own/bytes").status(), 405);
    let host = address(&lab);
    assert_eq!(tcp(&lab).ask(&format!("GET /own HTTP/1.1\r\nHost: {host}\r\n\r\n")).status(), 401);
    let mut connection = unix(&lab);
    for path in ["/own", "/own/stream", "/status", "/own/large"] {
        assert_eq!(connection.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).status(), 200);
    }
    connection.send("HEAD /own/large HTTP/1.1\r\nHost: x\r\n\r\n");
    let head = String::from_utf8(connection.until(b"\r\n\r\n").expect("a head")).expect("text");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-length: 300000\r\n"), "{head}");
    assert_eq!(connection.ask("GET /own HTTP/1.1\r\nHost: x\r\n\r\n").body, "own", "a HEAD has no body");
}

#[test]
fn reserved_route_fails_the_start() {
    let lab = lab();
    for path in ["/stop", "/", "/status"] {
        let failed = try_start(&lab, &[&format!("routes={path}")]).exits(2);
        let failed = failed.says(&[&format!("failed to add the route `{path}`: the path is reserved by the endpoint")]);
        assert!(!failed.stderr.contains("panicked"), "{failed}");
    }
    assert_eq!(try_start(&lab, &["routes=/mine"]).code(), 0);
    assert_eq!(get(&lab, "/mine").body, "mine");
}

#[test]
fn page_needs_no_token_and_may_send_requests() {
    let lab = lab();
    start(&lab, &["tcp=127.0.0.1:0", "page=<p>hello"]);
    let host = address(&lab).to_string();
    let page = tcp(&lab).ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html,*/*\r\n\r\n"));
    assert_eq!((page.status(), page.body.as_str()), (200, "<p>hello"));
    for (name, value) in [
        ("x-frame-options", "deny"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("http"), "{policy}");
    let ask = |origin: &str, site: &str, token: &str| {
        let headers = format!("Origin: {origin}\r\nSec-Fetch-Site: {site}\r\n{token}");
        tcp(&lab).ask(&posted("/event", &host, &headers, r#"{"name":"echo"}"#)).status()
    };
    let (own, token) = (format!("http://{host}"), authorization(&lab));
    assert_eq!(ask(&own, "same-origin", &token), 200);
    assert_eq!(ask(&own, "same-origin", ""), 401);
    assert_eq!(ask(&own, "cross-site", &token), 403);
    assert_eq!(ask("http://evil.com", "same-origin", &token), 403);
    assert_eq!(tcp(&lab).ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).status(), 401);
    assert_eq!(get(&lab, "/").json()["name"], "lab", "who wants no page gets none");
}

/// A page is served with the policy of the user. A policy that is not a valid header value fails the start.
#[test]
fn page_policy_of_the_user_is_sent() {
    let lab = lab();
    let failed = try_start(&lab, &["tcp=127.0.0.1:0", "page=<p>hello", "policy=default-src\n'none'"]).exits(2);
    failed.says(&["failed to use the page's policy", "not a valid header value"]);
    start(&lab, &["tcp=127.0.0.1:0", "page=<p>hello", "policy=default-src 'none'"]);
    let host = address(&lab).to_string();
    let page = tcp(&lab).ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n"));
    assert_eq!(page.header("content-security-policy"), Some("default-src 'none'"));
}

#[test]
fn web_page_without_a_token_rule_is_still_refused() {
    let lab = lab();
    start(&lab, &["tcp=127.0.0.1:0", "token=no"]);
    assert!(!lab.path(crate::common::TOKEN).exists());
    let host = address(&lab).to_string();
    let ask = |headers: &str| tcp(&lab).ask(&posted("/event", &host, headers, r#"{"name":"echo"}"#)).status();
    assert_eq!((ask(""), ask("Origin: null\r\n"), ask("Sec-Fetch-Site: cross-site\r\n")), (200, 403, 403));
    assert_eq!(tcp(&lab).ask(&format!("POST /stop HTTP/1.1\r\nHost: {host}\r\n\r\n")).status(), 415);
    assert_eq!(tcp(&lab).ask("GET / HTTP/1.1\r\nHost: evil.com\r\n\r\n").status(), 403);
}

#[test]
fn concurrent_clients_lose_no_event() {
    let lab = lab();
    start(&lab, &[]);
    let ask = || {
        let mut connection = unix(&lab);
        (0..100).for_each(|number| {
            let answer = connection.ask(&posted("/event", "x", "", &format!(r#"{{"name":"later","x":{number}}}"#)));
            assert_eq!(answer.json()["later"], number);
            // There are more clients than connection slots: the endpoint closes connections to make room.
            if answer.header("connection") == Some("close") {
                connection = unix(&lab);
            }
        });
    };
    thread::scope(|scope| (0..40).for_each(|_| drop(scope.spawn(ask))));
    assert_eq!(get(&lab, "/status").json()["events"]["later"], 4000);
}
