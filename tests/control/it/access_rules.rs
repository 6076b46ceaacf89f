//! The access rules over TCP, and the routes that exist.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{
    EVENT_TIMEOUT, PIDFILE, TOKEN, address, authorization, get, lab, nothing_left, post, posted, start, tcp, try_start,
    unix,
};

const TCP: &[&str] = &["tcp=127.0.0.1:0"];

/// Returns the number of TCP sockets on which a process listens, by the inodes of its descriptors.
fn listens(daemon: look::Process) -> usize {
    let own: Vec<String> =
        daemon.descriptors().values().map(|descriptor| descriptor.target.display().to_string()).collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let listening = lines.filter(|line| line.split_whitespace().nth(3) == Some("0A"));
    let inodes = listening.filter_map(|line| line.split_whitespace().nth(9)).map(|inode| format!("socket:[{inode}]"));
    inodes.filter(|socket| own.contains(socket)).count()
}

/// Promise 5.01.
#[test]
fn tcp_is_opened_on_request_and_on_loopback_only() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    assert_eq!(listens(daemon), 0, "TCP without being requested");
    assert!(!lab.path(TOKEN).exists() && get(&lab, "/").status() == 200);
    post(&lab, "/stop", "{}");
    nothing_left(&lab);
    for address in [
        "0.0.0.0:0",
        "[::]:0",
        "10.0.0.1:0",
        "localhost:0",
        "example.org:80",
        "[::ffff:127.0.0.1]:0",
        "[::ffff:1.2.3.4]:0",
        "127.0.0.1",
        "4711",
        "",
    ] {
        let setting = format!("tcp={address}");
        try_start(&lab, &[&setting]).exits(2).says(&["failed to listen on", address]);
        nothing_left(&lab);
    }
    let daemon = start(&lab, TCP);
    assert_eq!(listens(daemon), 1);
    assert!(address(&lab).ip().is_loopback() && address(&lab).port() > 0);
}

/// Promise 5.02.
#[test]
fn tcp_request_without_the_token_is_refused() {
    let lab = lab();
    let daemon = start(&lab, TCP);
    let mode = |name: &str| fs::metadata(lab.path(name)).expect("it is there").permissions().mode() & 0o7777;
    assert_eq!((mode("d.control"), mode(TOKEN)), (0o700, 0o600));
    let token = lab.read(TOKEN).trim().to_owned();
    assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token:?}");
    let host = address(&lab);
    let ask = |headers: &str| tcp(&lab).ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n"));
    assert_eq!(ask(&authorization(&lab)).status(), 200);
    let wrong = |given: &str| {
        let answer = ask(&format!("Authorization: {given}\r\n"));
        assert_eq!(answer.status(), 401, "{given}");
        assert_eq!(answer.header("www-authenticate"), Some("bearer"));
        assert!(!format!("{answer:?}").contains(&token[..32]), "{answer:?}");
    };
    wrong(&format!("Bearer {}", &token[..63]));
    wrong(&format!("Bearer {token}0"));
    wrong(&format!("Bearer {}{}", &token[..63], if token.ends_with('0') { '1' } else { '0' }));
    wrong(&token);
    wrong("Bearer");
    assert_eq!(ask("").status(), 401);
    assert_eq!(ask(&authorization(&lab).repeat(2)).status(), 401);
    assert_eq!(ask("").status(), 401, "and over the socket it needs none:");
    assert_eq!(get(&lab, "/").status(), 200);
    // The token is in no file that other users can read. The log reports the failures.
    let failing = posted("/event", &host.to_string(), &authorization(&lab), r#"{"name":"panic"}"#);
    assert_eq!(tcp(&lab).ask(&failing).json()["success"], false);
    let logged =
        lab.wait_for("err", EVENT_TIMEOUT, |log| log.contains("ERROR: the handler of the event `panic` panicked"));
    let shown = format!("{:?}{:?}{logged}", daemon.arguments(), daemon.environment());
    assert!(!shown.contains(&token) && !lab.read(PIDFILE).contains(&token));
    post(&lab, "/stop", "{}");
    nothing_left(&lab);
    start(&lab, TCP);
    assert_ne!(lab.read(TOKEN).trim(), token, "the token of the last start");
}

/// Promise 5.03.
#[test]
fn rebound_host_name_is_refused() {
    let lab = lab();
    start(&lab, TCP);
    let port = address(&lab).port();
    let token = authorization(&lab);
    let ask = |lines: &str| tcp(&lab).ask(&format!("GET {lines}\r\n{token}\r\n")).status();
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(ask(&format!("/ HTTP/1.1\r\nHost: {host}:{port}")), 200, "{host}");
    }
    for host in [
        "evil.com",
        &format!("evil.com:{port}"),
        &format!("localhost6:{port}"),
        &format!("localhost.evil.com:{port}"),
        &format!("127.0.0.1.evil.com:{port}"),
        &format!("10.0.2.555:{port}"),
        &format!("0x7f.1:{port}"),
        &format!("2130706433:{port}"),
        &format!("127.1:{port}"),
        "localhost:1",
        "localhost",
    ] {
        assert_eq!(ask(&format!("/ HTTP/1.1\r\nHost: {host}")), 403, "{host}");
    }
    for lines in [
        "/ HTTP/1.1\r\nHost: ".to_owned(),
        "/ HTTP/1.1".to_owned(),
        format!("/ HTTP/1.1\r\nHost: localhost:{port}\r\nHost: localhost:{port}"),
        format!("http://localhost:{port}/ HTTP/1.1\r\nHost: localhost:{port}"),
        format!("/ HTTP/1.1\r\nHost:\r\n localhost:{port}"),
        format!("/ HTTP/1.1\r\nHost : localhost:{port}"),
    ] {
        assert_eq!(ask(&lines), 400, "{lines:?}");
    }
}

/// Promise 5.04.
#[test]
fn browser_request_of_another_site_is_refused() {
    let lab = lab();
    start(&lab, TCP);
    let (host, token) = (address(&lab).to_string(), authorization(&lab));
    let with =
        |headers: &str| tcp(&lab).ask(&posted("/event", &host, &format!("{token}{headers}"), r#"{"name":"echo"}"#));
    assert_eq!(with("").status(), 200);
    for header in [
        "Origin: null",
        "Origin: http://evil.com",
        &format!("Origin: http://{host}"),
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        assert_eq!(with(&format!("{header}\r\n")).status(), 403, "{header}");
    }
    assert_eq!(with("Sec-Fetch-Site: same-origin\r\n").status(), 200);
    let plain = |kind: &str| {
        let request = posted("/stop", &host, &token, "{}").replace("application/json", kind);
        tcp(&lab).ask(&request).status()
    };
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        assert_eq!(plain(kind), 415, "{kind}");
    }
    let preflight = format!(
        "OPTIONS /stop HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.com\r\nAccess-Control-Request-Method: POST\r\n\r\n"
    );
    assert_eq!(tcp(&lab).ask(&preflight).status(), 405);
    for path in ["/stop", "/restart", "/reload", "/event"] {
        for method in ["GET", "HEAD", "PUT", "DELETE", "STOP"] {
            let length = if method == "GET" || method == "HEAD" { "" } else { "Content-Type: application/json\r\n" };
            let mut connection = tcp(&lab);
            connection
                .send(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{token}{length}Connection: close\r\n\r\n"));
            let head = String::from_utf8(connection.until(b"\r\n").expect("an answer")).expect("text");
            assert!(head.starts_with("HTTP/1.1 405 "), "{method} {path}: {head}");
        }
    }
    assert_eq!(get(&lab, "/").json()["state"], "running", "it was stopped after all");
}

/// Promise 5.05.
#[test]
fn unknown_route_is_not_found() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    let long = format!("/{}", "x".repeat(7000));
    let mut tracer = lab.command("strace", &["-f", "-qq", "-e", "trace=execve,openat,open", "-o", "trace", "-p"]);
    tracer = tracer.arg(daemon.id().to_string());
    let tracer = tracer.spawn();
    look::until(&lab.path("trace"), look::Deadline::after(EVENT_TIMEOUT), || lab.path("trace").exists().then_some(()))
        .expect("a trace");
    let is_traced = || daemon.status("TracerPid").is_some_and(|pid| pid.trim() != "0");
    let begun = std::time::Instant::now();
    while !is_traced() {
        assert!(begun.elapsed() < EVENT_TIMEOUT, "strace never came");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    for path in [
        "/../",
        "/../../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/stop/",
        "//stop",
        "/a.b.c",
        "/event.__class__.__init__",
        "/status;stop",
        "/own/../stop",
        "/$(id)",
        &long,
    ] {
        assert_eq!(get(&lab, path).status(), 404, "{path}");
        assert_eq!(post(&lab, path, "{}").status(), 404, "{path}");
        let name = path.replace('\\', "");
        let reply = post(&lab, "/event", &format!(r#"{{"name":"{name}","path":"{path}"}}"#)).json();
        assert_eq!(reply["message"], format!("no handler found for {name}"));
    }
    assert_eq!(unix(&lab).ask("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n").status(), 400);
    assert_eq!(unix(&lab).ask(&format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(10_000))).status(), 414);
    for method in ["BREW", "stop", "TRACE", "PROPFIND"] {
        let request = format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(unix(&lab).ask(&request).status(), 405, "{method}");
    }
    tracer.signal(nix::sys::signal::Signal::SIGINT);
    tracer.finish();
    assert_eq!(lab.read("trace"), "", "something was opened or executed");
}
