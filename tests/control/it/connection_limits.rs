//! The limits of connections and slow requests.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use look::{Lab, Process};
use nix::sys::socket::{setsockopt, sockopt};

use crate::common::{
    AT_ONCE, EVENT_TIMEOUT, address, authorization, descriptors_return_to, get, in_full, lab, nothing_left, post,
    start, tcp, unix,
};

const TCP: &[&str] = &["tcp=127.0.0.1:0"];

/// Asserts that the owner is answered at once.
#[track_caller]
pub(crate) fn answers_its_owner(lab: &Lab) {
    let begun = Instant::now();
    assert_eq!(get(lab, "/status").status(), 200);
    assert!(begun.elapsed() < AT_ONCE, "the owner waited for {:?}", begun.elapsed());
}

/// Promise 5.10. Slow requests leave connections for fast ones, such as a stop.
#[test]
fn event_readers_leave_connections_for_a_stop() {
    let lab = lab();
    start(&lab, &["tcp=127.0.0.1:0", "token=no"]);
    let host = address(&lab);
    let mut readers: Vec<_> = (0..32).map(|_| (unix(&lab), tcp(&lab))).collect();
    let mut statuses = Vec::new();
    for (socket, port) in &mut readers {
        socket.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
        port.send(format!("GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    }
    // Eight of them wait for a permit, and block no other connection.
    answers_its_owner(&lab);
    for (socket, port) in &mut readers {
        for head in [socket.until(b"\r\n"), port.until(b"\r\n")] {
            statuses.push(String::from_utf8(head.expect("an answer")).expect("text"));
        }
    }
    let well = statuses.iter().filter(|status| *status == "HTTP/1.1 200 OK\r\n").count();
    let full = statuses.iter().filter(|status| *status == "HTTP/1.1 503 Service Unavailable\r\n").count();
    assert_eq!((well, full), (48, 16), "{statuses:?}");
    answers_its_owner(&lab);
    let begun = Instant::now();
    assert_eq!(tcp(&lab).ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).status(), 200);
    assert_eq!(post(&lab, "/stop", "{}").status(), 200);
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    nothing_left(&lab);
}

/// Promise 5.10.
#[test]
fn slow_handlers_leave_connections_for_others() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    get(&lab, "/");
    let before = daemon.descriptors().len();
    let slow = crate::common::posted("/event", "x", "", r#"{"name":"slow","ms":30000}"#);
    let mut asking: Vec<_> = (0..24).map(|_| unix(&lab)).collect();
    for connection in &mut asking {
        connection.send(&slow);
    }
    let begun = Instant::now();
    while get(&lab, "/status").json()["events"]["slow"] != 24 {
        assert!(begun.elapsed() < EVENT_TIMEOUT, "they are not handled");
    }
    answers_its_owner(&lab);
    assert_eq!(post(&lab, "/event", r#"{"name":"echo"}"#).status(), 503, "one more");
    // A client that has sent everything waits for the response.
    let patient = asking.pop().expect("24 of them");
    patient.stream.shutdown(Shutdown::Write).expect("half a close");
    // The clients leave without a request, after a half-close, or with unread bytes.
    for (number, connection) in asking.iter_mut().enumerate() {
        match number % 3 {
            0 => connection.stream.shutdown(Shutdown::Write).expect("half a close"),
            1 => connection.send("x"),
            _ => {}
        }
    }
    answers_its_owner(&lab);
    drop(asking);
    descriptors_return_to(daemon, before + 1);
    assert_eq!(post(&lab, "/event", r#"{"name":"echo"}"#).status(), 503, "their handlers are still at work");
    answers_its_owner(&lab);
    drop(patient);
    descriptors_return_to(daemon, before);
}

/// Promise 5.10.
#[test]
fn many_slow_connections_do_not_block_the_owner() {
    let lab = lab();
    let daemon = start(&lab, &["tcp=127.0.0.1:0", "body=tick"]);
    answers_its_owner(&lab);
    let before = daemon.descriptors().len();
    let (memory, work) = (memory(daemon), lab.read("log").len());
    let time = Duration::from_secs(if in_full() { 30 } else { 6 });
    let begun = Instant::now();
    let mut strangers: Vec<TcpStream> = (0..200).filter_map(|_| TcpStream::connect(address(&lab)).ok()).collect();
    assert!(strangers.len() > 100, "{} connections", strangers.len());
    let request = "GET / HTTP/1.1\r\nHost: x\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for byte in request.bytes().cycle() {
        for stranger in &mut strangers {
            let _ = stranger.write_all(&[byte]);
        }
        answers_its_owner(&lab);
        assert!(daemon.descriptors().len() < before + 80, "{} descriptors", daemon.descriptors().len());
        if begun.elapsed() > time {
            break;
        }
        thread::sleep(Duration::from_secs(1));
    }
    let (grown, done) = (self::memory(daemon).saturating_sub(memory), (lab.read("log").len() - work) / "tick\n".len());
    assert!(grown < 4096, "{grown} KiB more");
    let expected = begun.elapsed().as_millis() / 50;
    assert!(done as u128 * 2 > expected, "{done} steps of its work instead of {expected}");
    drop(strangers);
    descriptors_return_to(daemon, before);
    let host = address(&lab);
    let answer = tcp(&lab).ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n{}\r\n", authorization(&lab)));
    assert_eq!(answer.status(), 200);
}

/// Returns the anonymous memory of a process in KiB.
fn memory(process: Process) -> u64 {
    let told = process.status("RssAnon").expect("it lives");
    told.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Promise 5.10.
#[test]
fn idle_connection_is_closed_for_a_waiting_one() {
    let lab = lab();
    start(&lab, &[]);
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut kept: Vec<_> = (0..32).map(|_| unix(&lab)).collect();
    for connection in &mut kept {
        assert_eq!(connection.ask(request).status(), 200);
    }
    answers_its_owner(&lab);
    answers_its_owner(&lab);
}

/// Promise 5.10.
#[test]
fn peer_that_does_not_read_times_out() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    get(&lab, "/");
    let before = daemon.descriptors().len();
    let mut deaf: Vec<_> = (0..4).map(|_| unix(&lab)).collect();
    for connection in &mut deaf {
        connection.send("GET /own/large HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    answers_its_owner(&lab);
    descriptors_return_to(daemon, before);
}

/// Promise 5.12.
#[test]
fn accept_without_descriptors_continues_later() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    get(&lab, "/");
    let before = daemon.descriptors();
    let limit = before.keys().last().map_or(16, |last| last + 4);
    lab.command("prlimit", &[&format!("--nofile={limit}"), "--pid", &daemon.id().to_string()]).run().ok();
    let kept: Vec<_> = (0..40).map(|_| unix(&lab)).collect();
    let begun = (ticks(daemon), Instant::now());
    thread::sleep(Duration::from_secs(2));
    // Linux reports 100 ticks per second (USER_HZ).
    let (spent, time) = (ticks(daemon) - begun.0, begun.1.elapsed());
    let most = u64::try_from(time.as_millis()).unwrap_or(u64::MAX) / 10 * 5 / 100;
    assert!(spent <= most, "{spent} ticks of processor time in {time:?}");
    drop(kept);
    assert_eq!(get(&lab, "/").status(), 200);
    descriptors_return_to(daemon, before.len());
}

/// Returns the CPU time of a process from `/proc/PID/stat`, in clock ticks.
fn ticks(daemon: Process) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.id())).expect("it lives");
    let numbers = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    numbers.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

/// Promise 5.13.
#[test]
fn aborted_connections_do_no_harm() {
    let lab = lab();
    let daemon = start(&lab, TCP);
    let host = address(&lab);
    get(&lab, "/");
    let before = daemon.descriptors().len();
    let large = format!("GET /own/large HTTP/1.1\r\nHost: {host}\r\n{}\r\n", authorization(&lab));
    let events = format!("GET /events HTTP/1.1\r\nHost: {host}\r\n{}\r\n", authorization(&lab));
    let requests = ["", "GET / HTT", large.as_str(), events.as_str(), events.as_str()];
    let begun = b"data: {\"state\":\"running\"}";
    for number in 0..1000 {
        let mut stream = TcpStream::connect(host).expect("a port that listens");
        let _ = stream.write_all(requests[number % requests.len()].as_bytes());
        if number % requests.len() == 4 {
            // The response of every second stream has begun.
            stream.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a timeout");
            let mut http = crate::http::Http::new(&stream);
            http.until(begun).expect("a stream of events");
        }
        let reset = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        setsockopt(&stream, sockopt::Linger, &reset).expect("an option");
    }
    for _ in 0..50 {
        unix(&lab).send("GET /own/large HTTP/1.1\r\nHost: x\r\n\r\n");
        unix(&lab).send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    answers_its_owner(&lab);
    descriptors_return_to(daemon, before);
    assert!(daemon.alive());
}

/// Promise 5.13.
#[test]
fn half_closed_connection_is_answered() {
    let lab = lab();
    start(&lab, &[]);
    let slow = crate::common::posted("/event", "x", "", r#"{"name":"slow","ms":1000}"#);
    for request in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", &slow] {
        let mut connection = unix(&lab);
        connection.send(request);
        connection.stream.shutdown(Shutdown::Write).expect("half a close");
        assert_eq!(connection.answer().status(), 200, "{request:?}");
        connection.ended();
    }
}
