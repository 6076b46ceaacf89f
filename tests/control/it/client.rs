//! Both clients: calls, errors, streams.

use std::fs;
use std::time::Duration;

use look::{Lab, Process};
use nix::sys::signal::Signal;

use crate::instance_helpers::{EVENT_TIMEOUT, client, freeze, hold, lab, needs_root, times};

/// The blocking and the asynchronous client, which must give the same results.
const KINDS: [&[&str]; 2] = [&[], &["async"]];

#[test]
fn both_clients_get_send_and_stop() {
    for kind in KINDS {
        let lab = lab();
        daemon(&lab, &[]);
        let ask = |call: &[&str]| client(&lab, "d.pid", &[kind, call].concat());
        ask(&["get", "/"]).ok().prints(&["\"success\":true", "\"name\":\"clients\""]);
        ask(&["get", "status"]).ok().prints(&["\"counters\":"]);
        ask(&["status"]).ok().prints(&["\"counters\":"]);
        ask(&["get", "/metrics"]).ok().prints(&["\"# HELP daemon_uptime_seconds"]);
        ask(&["event", "echo", r#"{"what":"ä\u001b"}"#]).ok().prints(&["\"echo\":\"ä\\u001b\""]);
        ask(&["send", "/event", r#"{"name":"echo","what":7}"#]).ok().prints(&["\"echo\":7"]);
        ask(&["event", "missing", "null"]).exits(5).says(&["NoHandler", "no handler found for missing"]);
        ask(&["event", "echo", "[1]"]).exits(5).says(&["Request", "not a JSON object"]);
        ask(&["get", "/a b"]).exits(5).says(&["Request", "failed to request `/a b`"]);
        ask(&["get", "/nowhere"]).exits(5).says(&["Refused(404)", "no such route"]);
        ask(&["send", "/", "1"]).exits(5).says(&["Refused(405)"]);
        // More than the endpoint reads: it replies, and closes the connection.
        let large = format!("\"{}\"", "x".repeat(100_000));
        ask(&["send", "/event", &large]).exits(5).says(&["Refused(413)"]);
        ask(&["stop"]).ok().prints(&["\"state\":\"stopping\""]);
        assert!(!lab.path("d.pid").exists(), "a stop returns when it is gone");
        ask(&["get", "/"]).exits(5).says(&["NotRunning", "failed to reach the daemon of", "d.pid`: it is not running"]);
    }
}

/// A client finds a restarted daemon through the same pidfile.
#[test]
fn restart_is_requested_and_daemon_found_again() {
    let lab = lab();
    let first = daemon(&lab, &[]);
    client(&lab, "d.pid", &["restart"]).ok();
    first.died(EVENT_TIMEOUT).expect("it was told to");
    lab.wait_for("d.pid", EVENT_TIMEOUT, |text| {
        text.lines().count() > 2 && !text.starts_with(&format!("{}\n", first.id()))
    });
    assert_ne!(lab.daemon("d.pid").id(), first.id());
    client(&lab, "d.pid", &["get", "/"]).ok();
    client(&lab, "d.pid", &["reload"]).ok().prints(&["\"state\":\"reloading\""]);
    client(&lab, "d.pid", &["stop"]).ok();
}

/// Each obstacle has an error kind of its own.
#[test]
fn each_failure_has_its_own_error_kind() {
    let lab = lab();
    for kind in KINDS {
        let ask = |pidfile: &str| client(&lab, pidfile, &[kind, &["get", "/"]].concat()).exits(5);
        ask("none.pid").says(&["NotRunning"]);
        ask("no/such/directory.pid").says(&["NotRunning"]);
        lab.write("foreign.pid", "root:x:0:0\n");
        ask("foreign.pid").says(&["Unknown", "it is not a pidfile"]);
        lab.write("empty.pid", "");
        ask("empty.pid").says(&["Starting"]);
    }
    daemon(&lab, &["endpoint=no"]);
    for kind in KINDS {
        client(&lab, "d.pid", &[kind, &["get", "/"]].concat()).exits(5).says(&["Unreachable", "has no endpoint"]);
    }
}

/// A call to a daemon that hangs ends at its timeout.
#[test]
fn call_to_a_hanging_daemon_times_out() {
    for kind in KINDS {
        let lab = lab();
        let stopped = daemon(&lab, &[]);
        freeze(stopped);
        for call in [&["get", "/"][..], &["event", "echo", "null"], &["stop"]] {
            let outcome = client(&lab, "d.pid", &[kind, call].concat()).exits(5).says(&["Timeout", "within 2s"]);
            assert!(outcome.took >= Duration::from_secs(2) && outcome.took < Duration::from_secs(4), "{outcome}");
        }
        stopped.signal(Signal::SIGCONT);
        // The request whose client had left was handled regardless.
        stopped.died(EVENT_TIMEOUT).expect("a stop was asked for");
    }
}

#[test]
fn blocking_client_works_in_each_runtime_and_leaves_no_thread_or_descriptor() {
    let lab = lab();
    daemon(&lab, &["tcp"]);
    for address in ["unix", "tcp"] {
        for kind in ["none", "current", "multi"] {
            let calls = lab.run(&["in_runtime", "d.pid", kind]).ok();
            calls.prints(&["\"name\":\"clients\"", "\"echo\":1", "Refused(404)", "NotRunning", "no traces"]);
        }
        if address == "unix" {
            fs::remove_file(lab.path("d.control/socket")).expect("a socket");
        }
    }
}

/// A start is refused in a process with another thread.
#[test]
fn start_after_calls_of_a_blocking_client_succeeds() {
    let lab = lab();
    daemon(&lab, &[]);
    lab.run(&["start_after_calls", "d.pid", "later.pid"]).ok().prints(&["\"name\":\"clients\"", "started"]);
    let later = lab.daemon("later.pid");
    later.signal(Signal::SIGTERM);
    later.died(EVENT_TIMEOUT).expect("it was told to");
}

/// Promise 5.14. All concurrent stops report that the daemon has exited, and it has.
#[test]
fn concurrent_stops_all_report_the_exit() {
    for _ in 0..times(5, 50) {
        let lab = lab();
        let first = daemon(&lab, &[]);
        let stops: Vec<_> = (0..6)
            .map(|number| lab.helper(&["client", "d.pid"]).args(KINDS[number % KINDS.len()]).args(["stop"]).spawn())
            .collect();
        for stop in stops {
            let said = stop.finish().ok().stdout;
            assert!(said.contains("\"state\":\"stopp"), "{said}");
        }
        assert!(!lab.path("d.pid").exists());
        first.died(EVENT_TIMEOUT).expect("it was stopped");
    }
}

/// A daemon that exits without a response has stopped; one that continues without a response has not.
#[test]
fn stop_without_a_response_depends_on_the_exit() {
    for kind in KINDS {
        let lab = lab();
        for how in ["0", "20", "all"] {
            let leaving = lab.helper(&["leave", "f.pid", how]).spawn();
            lab.wait_for("f.pid", EVENT_TIMEOUT, |text| text.lines().count() == 3);
            let stopped = client(&lab, "f.pid", &[kind, &["stop"]].concat()).ok();
            stopped.prints(&[r#"{"success":true,"state":"stopped"}"#]);
            leaving.finish().ok();
            fs::remove_file(lab.path("f.pid")).ok();
        }
        let staying = lab.helper(&["leave", "f.pid", "stays"]).spawn();
        lab.wait_for("f.pid", EVENT_TIMEOUT, |text| text.lines().count() == 3);
        client(&lab, "f.pid", &[kind, &["stop"]].concat()).exits(5).says(&["Reply", "without a response"]);
        staying.signal(Signal::SIGKILL);
        staying.finish();
    }
}

/// Promise 5.02. The maximum duration is a valid timeout, and no client prints a token.
#[test]
fn client_with_maximum_timeout_prints_no_token() {
    let lab = lab();
    daemon(&lab, &["tcp"]);
    let token = lab.read("d.control/token");
    // The calls use TCP.
    fs::remove_file(lab.path("d.control/socket")).expect("a socket");
    let said = lab.run(&["forever", "d.pid"]).ok();
    let said = said.prints(&["told", "Events {", "AsyncEvents {", "\"state\":\"stopping\""]);
    assert!(token.trim().len() == 64 && !said.stdout.contains(token.trim()), "{said}");
}

/// The daemon listened as root and has changed its user since: the kernel reports the user at that time.
#[test]
fn daemon_that_dropped_privileges_is_trusted() {
    needs_root();
    let mut lab = lab();
    lab.bring_program();
    for settings in [&["user=nobody"][..], &["user=nobody", "tcp"]] {
        let daemon = daemon(&lab, settings);
        assert_eq!(daemon.ids().expect("it lives").users, [65534; 4]);
        client(&lab, "d.pid", &["event", "echo", r#"{"what":1}"#]).ok();
        // The user of the daemon may connect, too, and no other user.
        as_user(&lab, "nobody", &["client", "d.pid", "get", "/"]).ok();
        as_user(&lab, "daemon", &["client", "d.pid", "get", "/"]).exits(5).says(&[
            "Unreachable",
            // The error is that of the socket, even if the token cannot be read either.
            "does not answer: permission denied",
        ]);
        client(&lab, "d.pid", &["stop"]).ok();
    }
}

/// If the socket cannot be reached, the client uses the port with the token.
#[test]
fn port_is_used_if_the_socket_is_missing() {
    for kind in KINDS {
        let lab = lab();
        daemon(&lab, &["tcp"]);
        fs::remove_file(lab.path("d.control/socket")).expect("a socket");
        client(&lab, "d.pid", &[kind, &["event", "echo", r#"{"what":1}"#]].concat()).ok().prints(&["\"echo\":1"]);
        let token = lab.read("d.control/token");
        lab.write("d.control/token", token.replace(|digit: char| digit.is_ascii_digit(), "a"));
        let wrong = client(&lab, "d.pid", &[kind, &["get", "/"]].concat()).exits(5).says(&["Refused(401)"]);
        assert!(!wrong.stderr.contains(token.trim()), "the error contains the token: {wrong}");
        client(&lab, "d.pid", &[kind, &["get", "/"]].concat()).exits(5);
        lab.run(&["daemon", "stop", "d.pid"]).ok();
    }
}

#[test]
fn published_event_reaches_both_clients() {
    for kind in ["blocking", "async"] {
        let lab = lab();
        let daemon = daemon(&lab, &[]);
        let reader = lab.run_events(kind, 1000);
        lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("listens"));
        for what in ["1", "\"two\""] {
            client(&lab, "d.pid", &["event", "publish", &format!("{{\"what\":{what}}}")])
                .ok()
                .prints(&["\"readers\":1"]);
        }
        client(&lab, "d.pid", &["stop"]).ok();
        daemon.died(EVENT_TIMEOUT).expect("it was stopped");
        let heard = reader.finish().ok().stdout;
        // The daemon may not have reported `running` yet: then the first event is the state `starting`.
        let heard = heard.replace("state {\"state\":\"starting\"}\n", "");
        let expected = "state {\"state\":\"running\"}\ntold 1\ntold \"two\"\nstate {\"state\":\"stopping\"}\n";
        assert_eq!(heard, expected, "{kind}");
    }
}

/// The wait for an event can be limited, and the stream ends with the daemon.
#[test]
fn stream_ends_with_its_daemon() {
    let lab = lab();
    daemon(&lab, &[]);
    let quiet = lab.run(&["events", "d.pid", "patient", "0"]).ok();
    assert!(quiet.stdout.ends_with("state {\"state\":\"running\"}\nended false\n"), "{quiet}");
    let reader = lab.run_events("blocking", 1000);
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("listens"));
    lab.daemon("d.pid").signal(Signal::SIGKILL);
    assert_eq!(reader.finish().ok().stdout, "state {\"state\":\"running\"}\n", "it has run for a while");
}

/// Every call is counted once, both in sequence and with 32 at a time.
#[test]
fn concurrent_calls_are_handled_exactly_once() {
    let lab = lab();
    for (threads, calls) in [(1, times(2_000, 10_000)), (32, times(60, 1_000))] {
        let first = hold(&lab, &[]);
        let total = threads * calls;
        let many = ["many", "app/.pid", &threads.to_string(), &calls.to_string()].map(str::to_owned);
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let outcome = lab.helper(&many).within(Duration::from_secs(120)).run().ok();
        assert_eq!(outcome.stdout, format!("sum {}\n", total * (total + 1) / 2), "{threads} threads");
        client(&lab, "app/.pid", &["event", "count", "null"]).ok().prints(&[&format!("\"count\":{}", total + 1)]);
        client(&lab, "app/.pid", &["stop"]).ok();
        first.program.finish().ok();
    }
}

trait Events {
    fn run_events(&self, kind: &str, count: usize) -> look::Running<'_>;
}

impl Events for Lab {
    fn run_events(&self, kind: &str, count: usize) -> look::Running<'_> {
        let _ = fs::remove_file(self.path("log"));
        self.helper(&["events", "d.pid", kind, &count.to_string()]).spawn()
    }
}

/// Starts a daemon, and returns its process. Panics if the start fails.
#[track_caller]
pub(crate) fn daemon(lab: &Lab, settings: &[&str]) -> Process {
    lab.helper(&["daemon", "start", "d.pid"]).args(settings).run().ok();
    lab.daemon("d.pid")
}

/// Runs the helper as another user.
pub(crate) fn as_user(lab: &Lab, user: &str, arguments: &[&str]) -> look::Outcome {
    let id = nix::unistd::User::from_name(user).expect("users").expect("a user of every system").uid.to_string();
    let setpriv = ["--reuid", &id, "--regid", &id, "--clear-groups", "--"];
    lab.command("setpriv", &setpriv).arg(lab.program()).args(arguments).run()
}
