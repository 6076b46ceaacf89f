//! The prober against servers that answer well, badly, slowly, endlessly or not at all.

use super::*;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as BlockingStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::time::Instant;

/// Longer than any probe here takes on a busy machine.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// Makes one probe, and returns its outcome.
fn outcome(prober: &Prober, probe: Probe, timeout: Duration) -> ProbeResult {
    assert!(prober.probe(ProbeRequest { number: 7, probe, timeout }));
    let deadline = Instant::now() + PROBE_TIMEOUT * 2;
    loop {
        assert!(Instant::now() < deadline, "no answer");
        let _ = poll(&mut [PollFd::new(prober.wakeup().as_fd(), PollFlags::POLLIN)], PollTimeout::from(1000_u16));
        if let Some((number, result)) = prober.take_answers().pop() {
            assert_eq!(number, 7);
            return result;
        }
    }
}

/// Serves connections one after another with `serve`, which gets the head of the request. Returns the port.
fn server(serve: impl Fn(BlockingStream, String) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let head = read_head(&mut stream);
            serve(stream, head);
        }
    });
    port
}

fn read_head(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|length| length == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn http(text: &str) -> Probe {
    Probe::Http(text.parse().unwrap())
}

fn reason(result: ProbeResult) -> String {
    match result {
        Err(ProbeFailure::OfBot(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn statuses_from_200_to_399_are_healthy_and_others_tell_what_was_answered() {
    let port = server(|mut stream, head| {
        let status = head.split('/').nth(1).unwrap().split(' ').next().unwrap();
        let _ = write!(stream, "HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:1/\r\n\r\n\nno \x1b[31mdisk\nleft");
    });
    let prober = Prober::start().unwrap();
    for status in [200, 204, 302, 399] {
        assert_eq!(
            outcome(&prober, http(&format!("http://127.0.0.1:{port}/{status}")), PROBE_TIMEOUT),
            Ok(()),
            "{status}"
        );
    }
    for status in [400, 404, 500, 599] {
        let text = reason(outcome(&prober, http(&format!("http://127.0.0.1:{port}/{status}")), PROBE_TIMEOUT));
        assert!(text.starts_with(&format!("status {status}: `no ")) && !text.contains('\x1b'), "{text}");
    }
}

#[test]
fn request_names_the_host_and_port_as_the_url_does() {
    let (sender, heads) = channel();
    let port = server(move |mut stream, head| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        sender.send(head).unwrap();
    });
    let prober = Prober::start().unwrap();
    assert_eq!(outcome(&prober, http(&format!("http://LocalHost:{port}/a?b=c")), PROBE_TIMEOUT), Ok(()));
    let head = heads.recv_timeout(PROBE_TIMEOUT).unwrap();
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains(&format!("\r\nhost: localhost:{port}\r\n")), "{head}");
}

#[test]
fn socket_is_asked_as_an_address_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.sock");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(read_head(&mut stream).starts_with("GET /up "));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    });
    let prober = Prober::start().unwrap();
    assert_eq!(outcome(&prober, http(&format!("http://unix:{}:/up", path.display())), PROBE_TIMEOUT), Ok(()));
}

/// Promise 6.61.
#[test]
fn slow_endless_and_broken_answers_end_at_the_deadline_or_before() {
    let (silent, keep) = channel();
    let port = server(move |mut stream, head| match head.split(' ').nth(1).unwrap() {
        "/silent" => silent.send(stream).unwrap(),
        "/closed" => {}
        "/not-http" => drop(stream.write_all(b"220 smtp.example\r\n")),
        "/endless-head" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            while stream.write_all(b"X: y\r\n").is_ok() {}
        }
        "/endless-line" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ");
            while stream.write_all(&[b'y'; 4096]).is_ok() {}
        }
        "/endless-body" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        }
        _ => {
            // A byte at a time: each is soon, and the whole is not.
            for byte in b"HTTP/1.1 200 OK\r\n".iter().cycle() {
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    });
    let prober = Prober::start().unwrap();
    let ask = |path: &str, timeout| outcome(&prober, http(&format!("http://127.0.0.1:{port}{path}")), timeout);
    assert_eq!(reason(ask("/closed", PROBE_TIMEOUT)), "closed the connection before its answer was whole");
    assert_eq!(reason(ask("/not-http", PROBE_TIMEOUT)), "its answer is not HTTP");
    for path in ["/endless-head", "/endless-line"] {
        assert_eq!(
            reason(ask(path, PROBE_TIMEOUT)),
            "the head of its answer is longer than 16384 bytes or 100 lines",
            "{path}"
        );
    }
    assert_eq!(ask("/endless-body", PROBE_TIMEOUT), Ok(()));
    for path in ["/silent", "/slow"] {
        let begin = Instant::now();
        assert_eq!(reason(ask(path, Duration::from_millis(100))), "did not answer within 100ms", "{path}");
        assert!(begin.elapsed() < PROBE_TIMEOUT);
    }
    drop(keep);
}

#[test]
fn address_that_refuses_is_a_failure_of_the_bot_and_one_that_accepts_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let prober = Prober::start().unwrap();
    assert_eq!(outcome(&prober, Probe::Tcp(address), PROBE_TIMEOUT), Ok(()));
    drop(listener);
    assert_eq!(reason(outcome(&prober, Probe::Tcp(address), PROBE_TIMEOUT)), "connection refused");
    assert_eq!(reason(outcome(&prober, http(&format!("http://{address}/")), PROBE_TIMEOUT)), "connection refused");
}
