//! The webhook: reports to a server that speaks TLS, and may be an enemy.

use std::io::Read;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::cli_lab::CliLab;
use crate::common::{EVENT_TIMEOUT, environment};
use crate::webhook_server::{Authority, HttpsServer, ServerAnswer, ServerIdentity};

/// A bot that ends at once and is not started again, and one that runs on.
const BOTS: &str = r#"
[bot.web]
command = "/bin/sh"
args = ["-c", "echo no disk; exit 3"]
limit = { exits = 0 }

[bot.idle]
command = "BOT"
args = ["idle"]
"#;

const ACCEPTED: &str = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";

/// Starts a monitor that posts exits to a server. The address has secrets in all of its parts.
fn start(server: &HttpsServer, trusted: Option<&str>) -> CliLab {
    let cli = CliLab::new("");
    let ca = trusted.map(|pem| {
        cli.lab.write("ca.pem", pem);
        ", ca = \"ca.pem\""
    });
    let settings =
        format!("webhook = {{ url = \"${{DAEMON_HOOK_URL}}\", events = [\"exit\"]{} }}", ca.unwrap_or_default());
    cli.configure_with(&settings, BOTS);
    let port = server.address.port();
    let url = format!("https://s3cret-user:s3cret-word@localhost:{port}/s3cret-path?key=s3cret-query");
    cli.ctl(&["start"]).env("DAEMON_HOOK_URL", url).run();
    cli
}

/// Asserts that no part of the address is where others read.
fn assert_secret(cli: &CliLab) {
    let idle = cli.lab.processes().into_iter().find(|process| process.id() == cli.pid("idle")).expect("a bot");
    let page = cli.client().get("/bots").expect("an answer").to_string();
    let answers = [["status", "--json"], ["show", "web"], ["check", "--json"]].map(|arguments| {
        let outcome = cli.ctl(&arguments).env("DAEMON_HOOK_URL", "https://other.example").run();
        outcome.stdout + &outcome.stderr
    });
    for text in [&cli.lab.read("m.log"), &environment(idle).join("\n"), &page].into_iter().chain(&answers) {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

/// Promises 6.73, 6.86.
#[test]
fn report_reaches_a_server_whose_authority_is_in_the_configuration() {
    let authority = Authority::new();
    let server = HttpsServer::start(authority.sign("localhost", 4000), ServerAnswer::Fixed(ACCEPTED.into()));
    let cli = start(&server, Some(&authority.pem));
    let request = server.request();
    assert!(request.starts_with("POST /s3cret-path?key=s3cret-query HTTP/1.1\r\n"), "{request}");
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((&body["event"], &body["bot"], &body["status"]), (&"exit".into(), &"web".into(), &3.into()), "{body}");
    assert_eq!(body["lines"], serde_json::json!(["no disk"]));
    cli.until_is("web", "gave-up");
    assert_secret(&cli);
    cli.shutdown();
    let log = cli.lab.read("m.log");
    assert!(!log.contains("webhook") && !server.has_more(), "{log}");
}

/// Promise 6.86.
#[test]
fn certificate_that_is_signed_with_its_own_key_is_accepted_if_the_configuration_has_it() {
    let identity = ServerIdentity::self_signed("localhost");
    let pem = identity.pem.clone();
    let server = HttpsServer::start(identity, ServerAnswer::Fixed(ACCEPTED.into()));
    let cli = start(&server, Some(&pem));
    server.request();
    cli.shutdown();
}

/// Promises 6.73, 6.86.
#[test]
fn server_without_a_valid_certificate_gets_no_report_and_the_log_tells_why() {
    let (authority, other) = (Authority::new(), Authority::new());
    let cases = [
        (
            ServerIdentity::self_signed("localhost"),
            Some(&*authority.pem),
            "is signed by no authority that is trusted: write the file",
        ),
        (ServerIdentity::self_signed("localhost"), None, "is signed by no authority that is trusted: write the file"),
        (authority.sign("localhost", 4000), None, "is signed by no authority that is trusted: write the file"),
        (other.sign("localhost", 4000), Some(&*authority.pem), "`ca` of the webhook"),
        (
            authority.sign("other.example", 4000),
            Some(&*authority.pem),
            "is not for the host in `url`: correct the host",
        ),
        (authority.sign("localhost", 2020), Some(&*authority.pem), "has expired: renew it"),
    ];
    for (identity, trusted, expected) in cases {
        let server = HttpsServer::start(identity, ServerAnswer::Fixed(ACCEPTED.into()));
        let cli = start(&server, trusted);
        server.refusal();
        cli.until_is("web", "gave-up");
        assert_secret(&cli);
        // The report is not tried for longer.
        cli.shutdown();
        let log = cli.lab.read("m.log");
        assert!(
            log.contains("webhook: failed to report an event: the server's certificate ") && log.contains(expected),
            "{expected}: {log}"
        );
        assert!(!log.contains("s3cret") && !log.contains("localhost"), "{log}");
    }
}

/// Promises 6.73, 6.86.
#[test]
fn redirect_of_a_server_is_not_followed() {
    let authority = Authority::new();
    let target = HttpsServer::start(authority.sign("localhost", 4000), ServerAnswer::Fixed(ACCEPTED.into()));
    let location = format!("https://localhost:{}/elsewhere", target.address.port());
    let answer = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    let server = HttpsServer::start(authority.sign("localhost", 4000), ServerAnswer::Fixed(answer));
    let cli = start(&server, Some(&authority.pem));
    server.request();
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |log| {
        log.contains("webhook: failed to report an event: the server answered with status 307")
    });
    assert_secret(&cli);
    cli.shutdown();
    assert!(!target.has_more() && !server.has_more());
}

/// Promises 6.73, 6.86.
#[test]
fn answer_without_an_end_is_not_read() {
    let header = "X-Filler: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    for answer in [
        ServerAnswer::Endless("HTTP/1.1 200 OK\r\n", header),
        ServerAnswer::Endless("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", header),
        ServerAnswer::Endless("HTTP/1.1 200 OK\r\nX: ", "0123456789012345678901234567890123456789"),
    ] {
        let authority = Authority::new();
        let server = HttpsServer::start(authority.sign("localhost", 4000), answer);
        let cli = start(&server, Some(&authority.pem));
        server.request();
        server.ends.recv_timeout(EVENT_TIMEOUT).expect("the connection is closed");
        // No more than the kernel keeps for a connection.
        let written = server.written.load(Ordering::Relaxed);
        assert!(written < 32 << 20, "{written}");
        assert_secret(&cli);
        cli.shutdown();
    }
}

/// Promises 6.73, 6.87.
#[test]
fn silent_server_delays_the_end_of_the_monitor_by_two_seconds_and_what_it_did_not_take_is_counted() {
    for answer in [ServerAnswer::Silence, ServerAnswer::Endless("", "HTTP/1.1 100 Continue\r\n\r\n")] {
        let authority = Authority::new();
        let server = HttpsServer::start(authority.sign("localhost", 4000), answer);
        let cli = start(&server, Some(&authority.pem));
        server.request();
        cli.until_is("web", "gave-up");
        assert_secret(&cli);
        let began = Instant::now();
        cli.shutdown();
        assert!(began.elapsed() < Duration::from_secs(2) + EVENT_TIMEOUT / 2, "{:?}", began.elapsed());
        let log = cli.lab.read("m.log");
        assert!(log.contains("webhook: reports that were not delivered before the monitor ended: 1"), "{log}");
    }
}

/// Promise 6.86. What is not an authority's certificate is a mistake at its place, before anything starts.
#[test]
fn file_of_authorities_is_checked_with_the_configuration() {
    let cli = CliLab::new("");
    cli.configure_with("webhook = { url = \"https://x.example/s3cret\", ca = \"ca.pem\" }", BOTS);
    let check = |expected: &str| {
        let outcome = cli.ctl(&["check"]).run();
        assert!(outcome.code() != 0 && outcome.stderr.contains(expected), "{expected}: {outcome}");
        assert!(outcome.stderr.contains("m.toml:5") && !outcome.to_string().contains("s3cret"), "{outcome}");
    };
    check("`ca`: failed to read `");
    cli.lab.write("ca.pem", "nothing");
    check("it holds no certificate of an authority: write the path of a file in PEM");
    cli.lab.write("ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    check("it holds no certificate of an authority");
    cli.lab.write("ca.pem", &Authority::new().pem);
    cli.ok(&["check"]);
    cli.lab.shell("chmod 666 ca.pem").run().ok();
    check("`chmod go-w` it");
}

/// Promise 6.73. What is posted to this machine does not pass through a proxy, where the address could be read.
#[test]
fn report_for_this_machine_is_sent_to_no_proxy() {
    let (server, proxy) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let [port, proxy_port] = [&server, &proxy].map(|listener| listener.local_addr().unwrap().port());
    let cli = CliLab::new("");
    let settings = format!("webhook = {{ url = \"http://127.0.0.1:{port}/s3cret\", events = [\"exit\"] }}");
    cli.configure_with(&settings, BOTS);
    let proxy_url = format!("http://127.0.0.1:{proxy_port}");
    cli.ctl(&["start"]).env("HTTP_PROXY", &proxy_url).env("ALL_PROXY", &proxy_url).env("HTTPS_PROXY", &proxy_url).run();
    cli.until_is("web", "gave-up");
    let (report, accepted) = channel();
    thread::spawn(move || report.send(server.accept()));
    let (mut stream, _) = accepted.recv_timeout(EVENT_TIMEOUT).expect("a request").unwrap();
    stream.set_read_timeout(Some(EVENT_TIMEOUT)).unwrap();
    let mut head = [0; 14];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"POST /s3cret H");
    drop(stream);
    cli.shutdown();
    proxy.set_nonblocking(true).unwrap();
    assert!(proxy.accept().is_err(), "the proxy was asked");
}
