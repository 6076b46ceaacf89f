//! Event handlers: their threads, their queue and their failures.

use std::time::Instant;

use look::Process;

use crate::common::{EVENT_TIMEOUT, address, get, lab, needs_root, post, posted, start, tcp, unix};

/// Waits until `count` events of that name have been passed to their handler.
#[track_caller]
fn until_handled(lab: &look::Lab, name: &str, count: u32) {
    let begun = Instant::now();
    while get(lab, "/status").json()["events"][name] != count {
        assert!(begun.elapsed() < EVENT_TIMEOUT, "{count} of `{name}` are not handled");
    }
}

/// Waits until the daemon has at most `count` threads.
///
/// Polls: no event tells when a thread of another process ends.
#[track_caller]
fn threads_return_to(daemon: Process, count: usize) {
    let begun = Instant::now();
    while daemon.threads().len() > count {
        assert!(begun.elapsed() < EVENT_TIMEOUT, "{} threads instead of {count}", daemon.threads().len());
        std::thread::yield_now();
    }
}

/// Promise 5.23. Each handler waits until all run: 24 for the socket, and 24 for the port, which is the limit.
#[test]
fn blocking_handlers_have_a_thread_each_that_ends_with_them() {
    let lab = lab();
    let daemon = start(&lab, &["tcp=127.0.0.1:0", "token=no"]);
    get(&lab, "/");
    let before = daemon.threads().len();
    let event = r#"{"name":"meet","count":48}"#;
    let host = address(&lab).to_string();
    let mut asking: Vec<_> = (0..24).map(|_| (unix(&lab), tcp(&lab))).collect();
    for (socket, port) in &mut asking {
        socket.send(posted("/event", "x", "", event));
        port.send(posted("/event", &host, "", event));
    }
    for (socket, port) in &mut asking {
        for answer in [socket.answer(), port.answer()] {
            assert_eq!(answer.json()["success"], true, "{}", answer.json());
        }
    }
    threads_return_to(daemon, before);
}

/// Promise 5.24.
#[test]
fn queued_event_of_a_client_that_left_is_not_handled() {
    let lab = lab();
    start(&lab, &[]);
    let mut busy: Vec<_> = (0..24).map(|_| unix(&lab)).collect();
    for connection in &mut busy {
        connection.send(posted("/event", "x", "", r#"{"name":"meet","count":25}"#));
    }
    until_handled(&lab, "meet", 24);
    let mut leaves = unix(&lab);
    leaves.send(posted("/event", "x", "", r#"{"name":"echo"}"#));
    drop(leaves);
    let mut stays = unix(&lab);
    stays.send(posted("/event", "x", "", r#"{"name":"later"}"#));
    // The file lets all handlers return.
    std::fs::write(lab.path("met"), "").expect("a file of the lab");
    for connection in &mut busy {
        assert_eq!(connection.answer().json()["success"], true);
    }
    assert_eq!(stays.answer().json()["success"], true);
    assert_eq!(post(&lab, "/event", r#"{"name":"publish"}"#).status(), 200, "a handler has a place again");
    let handled = get(&lab, "/status").json()["events"].take();
    assert_eq!((&handled["later"], &handled["echo"]), (&1.into(), &0.into()), "{handled}");
}

/// Promise 5.23.
#[test]
fn blocking_handler_without_a_thread_fails_its_event_only() {
    needs_root();
    let lab = lab();
    let daemon = start(&lab, &["user=nobody"]);
    // Only the soft limit, as the user of the daemon, which can raise it again.
    let limit = |limit: &str| {
        let (pid, limit) = (daemon.id().to_string(), format!("--nproc={limit}:"));
        let user = ["--reuid=nobody", "--regid=65534", "--clear-groups", "prlimit", "--pid", &pid, &limit];
        lab.command("setpriv", &user).run().ok();
    };
    limit("1");
    let answer = post(&lab, "/event", r#"{"name":"echo"}"#).json();
    assert_eq!(answer["success"], false, "{answer}");
    assert!(answer["message"].as_str().is_some_and(|text| text.contains("cannot create a thread")), "{answer}");
    assert_eq!(post(&lab, "/event", r#"{"name":"later"}"#).json()["success"], true, "one that needs none");
    limit("1000");
    assert_eq!(post(&lab, "/event", r#"{"name":"echo"}"#).json()["success"], true);
}

/// Promise 5.25. The lab has user routes.
#[test]
fn unknown_route_beside_user_routes_is_answered_with_json() {
    let lab = lab();
    start(&lab, &[]);
    let not_found = get(&lab, "/own/nowhere");
    assert_eq!((not_found.status(), &not_found.json()["success"]), (404, &false.into()));
    assert_eq!(not_found.json()["message"], "no such route");
    let not_allowed = post(&lab, "/own/panic", "{}");
    assert_eq!(
        (not_allowed.status(), &not_allowed.json()["message"]),
        (405, &"the route does not allow this method".into())
    );
    // Responses of user routes are not changed.
    assert_eq!(get(&lab, "/own/refuses").body, "no");
    assert_eq!(get(&lab, "/own").body, "own");
}
