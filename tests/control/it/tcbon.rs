//! An instance without a token answers the Python client of `tcbon`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use look::{Lab, Outcome};

use crate::instance_helpers::{hold, lab, times_in_log};

/// The bytes that `requests` 2.34.2 sends for `requests.get(address)` and `requests.post(address + "/event", json=…)`.
const GET: &str = "GET / HTTP/1.1\r\nHost: HOST\r\nUser-Agent: python-requests/2.34.2\r\n\
                   Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n";
const POST: &str = "POST /event HTTP/1.1\r\nHost: HOST\r\nUser-Agent: python-requests/2.34.2\r\n\
                    Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n\
                    Content-Length: 15\r\nContent-Type: application/json\r\n\r\n{\"name\": \"ack\"}";

fn tcbon(lab: &Lab, address: &str, calls: &str) -> Outcome {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tcbon_client.py");
    assert!(Path::new("/usr/bin/python3").exists(), "this test needs python3, which `scripts/test` installs");
    lab.command("/usr/bin/python3", &[program.to_str().expect("a path of ours"), address]).input(calls).run()
}

#[test]
fn tcbon_client_gets_sends_and_stops() {
    let lab = lab();
    let first = hold(&lab, &["address=127.0.0.1:0", "token=no"]);
    let pidfile = lab.read("app/.pid");
    let address = pidfile.lines().find_map(|line| line.strip_prefix("http://")).expect("an address");
    let calls = "running\nget /\nsend event {\"name\":\"echo\",\"what\":[1]}\nsend event {\"name\":\"fail\"}\n\
                 send event {\"name\":\"missing\"}\nsend event {}\nstop\n";
    // No token file is created if no token is required.
    assert!(!lab.path("app/.control/token").exists());
    let said = tcbon(&lab, address, calls).ok().stdout;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "True");
    for part in
        ["\"success\": true", "\"name\": \"only\"", &format!("\"address\": \"http://{address}\""), "\"app_dir\": "]
    {
        assert!(lines[1].contains(part), "{part} is missing: {}", lines[1]);
    }
    assert_eq!(lines[2], r#"{"success": true, "echo": [1]}"#);
    assert_eq!(lines[3], r#"{"success": false, "message": "out of luck"}"#);
    assert_eq!(lines[4], r#"{"success": false, "message": "no handler found for missing"}"#);
    assert!(lines[5].starts_with(r#"{"success": false, "message": "#), "{}", lines[5]);
    assert!(lines[6].contains("\"success\": true"), "{}", lines[6]);
    assert_eq!(lines.len(), 7, "{said}");
    // The reply is sent before the process exits.
    first.program.finish().ok();
    assert_eq!(tcbon(&lab, address, "running\n").ok().stdout, "False\n");
    assert_eq!(times_in_log(&lab, "on_stop"), 1);
}

/// An instance that requires a token refuses the client, which sends none.
#[test]
fn tcbon_client_without_token_is_refused() {
    let lab = lab();
    let first = hold(&lab, &["address=127.0.0.1:0"]);
    let pidfile = lab.read("app/.pid");
    let address = pidfile.lines().find_map(|line| line.strip_prefix("http://")).expect("an address");
    let said = tcbon(&lab, address, "stop\n");
    assert_ne!(said.code(), 0, "{said}");
    assert!(first.process.alive() && times_in_log(&lab, "on_stop") == 0);
}

/// This test sends the same bytes as the library of the original client.
#[test]
fn tcbon_requests_are_accepted_byte_for_byte() {
    let lab = lab();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let itself = host.clone();
    let heard = thread::spawn(move || {
        let mut all = Vec::new();
        for expected in [GET, POST] {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut bytes = vec![0; expected.replace("HOST", &itself).len()];
            stream.set_read_timeout(Some(crate::instance_helpers::EVENT_TIMEOUT)).expect("a timeout");
            stream.read_exact(&mut bytes).expect("a request");
            let body = format!("{{\"name\":\"x\",\"pid\":\"1\",\"app_dir\":\"/\",\"address\":\"http://{itself}\"}}");
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).expect("an answer");
            all.push(String::from_utf8(bytes).expect("text"));
        }
        all
    });
    tcbon(&lab, &host, "send event {\"name\":\"ack\"}\n").ok();
    let expected = [GET, POST].map(|request| request.replace("HOST", &host));
    assert_eq!(heard.join().expect("a server"), expected);
}
