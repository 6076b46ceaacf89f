//! Checks of bots that run: failures restart a bot and count, with the reason; suspended bots are not checked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli_lab::CliLab;
use crate::common::EVENT_TIMEOUT;
use crate::listener_routes::ask;

/// An HTTP server in this process, which stands for a bot's.
struct Server {
    port: u16,
    status: Arc<AtomicU16>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn new() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (status, requests) = (Arc::new(AtomicU16::new(200)), Arc::default());
        let server = Server { port, status: Arc::clone(&status), requests: Arc::clone(&requests) };
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let _ = answer(stream, status.load(SeqCst));
                requests.fetch_add(1, SeqCst);
            }
        });
        server
    }

    fn answers(&self, status: u16) {
        self.status.store(status, SeqCst);
    }

    /// Waits for more requests.
    #[track_caller]
    fn is_asked(&self, more: usize) {
        let (wanted, deadline) = (self.requests.load(SeqCst) + more, Instant::now() + EVENT_TIMEOUT);
        while self.requests.load(SeqCst) < wanted {
            assert!(Instant::now() < deadline, "no request");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn answer(mut stream: TcpStream, status: u16) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 14\r\n\r\nthe \x1b[31mdisk\n")
}

/// Promise 6.62.
#[test]
fn bot_that_fails_its_checks_is_restarted_with_the_reason_and_then_given_up() {
    let server = Server::new();
    let lab = CliLab::new(&format!(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\nlimit = {{ exits = 1, window = \"1h\" }}\n\
         check = {{ http = \"http://localhost:{}/up\", every = \"30ms\", timeout = \"20s\", failures = 2 }}\n",
        server.port
    ));
    lab.start();
    let bot = lab.until("web", |bot| bot["health"] == "healthy");
    assert!(bot["reason"].is_null() && bot["last_check"]["ok"] == true, "{bot}");
    let first = lab.pid("web");
    server.answers(503);
    lab.until("web", |bot| bot["exits"] == 1);
    server.answers(302);
    let bot = lab.until("web", |bot| bot["health"] == "healthy" && bot["pid"] != first);
    assert_eq!((&bot["last_exit"], &bot["state"]), (&"failed checks".into(), &"running".into()), "{bot}");
    server.answers(500);
    let bot = lab.until_is("web", "gave-up");
    let reason = bot["reason"].as_str().unwrap();
    let url = format!("http://localhost:{}/up", server.port);
    assert!(reason.contains(&format!("failed 2 checks in a row: http {url}: status 500: `the ")), "{reason}");
    assert!(!reason.contains('\x1b') && bot["health"].is_null(), "{bot}");
    let log = lab.lab.read("m.log");
    assert!(log.contains("failed 1 of 2 checks") && !log.contains('\x1b'), "{log}");
    lab.shutdown();
}

#[test]
fn failing_bot_says_so_before_it_is_restarted_and_metrics_tell() {
    let server = Server::new();
    server.answers(404);
    let lab = CliLab::new(&format!(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n\
         check = {{ http = \"http://127.0.0.1:{}/\", every = \"30ms\", failures = 1000 }}\n\
         [bot.plain]\ncommand = \"BOT\"\nargs = [\"idle\"]\n",
        server.port
    ));
    lab.start();
    let bot = lab.until("web", |bot| bot["last_check"]["failures"].as_u64() >= Some(2));
    let reason = bot["reason"].as_str().unwrap();
    assert!(reason.contains("of 1000 checks: http") && reason.contains("status 404"), "{reason}");
    assert_eq!((&bot["health"], &bot["state"]), (&"failing".into(), &"running".into()));
    assert!(lab.ctl(&["status"]).run().stdout.contains("of 1000 checks"));
    let metrics = || ask(&lab, "GET", "/metrics", "").1;
    assert!(metrics().contains("daemon_bot_healthy{bot=\"web\"} 0"));
    server.answers(200);
    lab.until("web", |bot| bot["health"] == "healthy" && bot["reason"].is_null());
    assert!(metrics().contains("daemon_bot_healthy{bot=\"web\"} 1") && !metrics().contains("healthy{bot=\"plain\"}"));
    assert!(lab.bot("plain")["health"].is_null());
    lab.shutdown();
}

#[test]
fn suspended_bot_is_not_checked_and_starts_over_when_it_is_resumed() {
    let server = Server::new();
    let lab = CliLab::new(&format!(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n\
         check = {{ http = \"http://127.0.0.1:{}/\", every = \"20ms\", failures = 1 }}\n",
        server.port
    ));
    lab.start();
    lab.until("web", |bot| bot["health"] == "healthy");
    let pid = lab.pid("web");
    lab.ok(&["signal", "STOP", "web"]);
    lab.until_is("web", "suspended");
    server.answers(500);
    // One may be on its way.
    thread::sleep(Duration::from_millis(60));
    let asked = server.requests.load(SeqCst);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(server.requests.load(SeqCst), asked, "it is checked");
    assert_eq!(lab.bot("web")["state"], "suspended");
    server.answers(200);
    lab.ok(&["signal", "CONT", "web"]);
    server.is_asked(2);
    assert_eq!(lab.pid("web"), pid);
    lab.shutdown();
}

#[test]
fn reload_changes_adds_and_removes_checks_of_a_bot_that_runs() {
    let (one, other) = (Server::new(), Server::new());
    let bot = |check: &str| format!("[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n{check}\n");
    let check = |server: &Server| {
        format!("check = {{ http = \"http://127.0.0.1:{}/\", every = \"20ms\", failures = 1000 }}", server.port)
    };
    let lab = CliLab::new(&bot(""));
    lab.start();
    let pid = lab.pid("web");
    assert!(lab.bot("web")["health"].is_null());
    lab.configure(&bot(&check(&one)));
    assert!(lab.ok(&["reload"]).contains("check"));
    one.is_asked(2);
    lab.configure(&bot(&check(&other)));
    lab.ok(&["reload"]);
    other.is_asked(2);
    let asked = one.requests.load(SeqCst);
    other.is_asked(3);
    assert!(one.requests.load(SeqCst) <= asked + 1, "the old check goes on");
    lab.configure(&bot(""));
    lab.ok(&["reload"]);
    let bot = lab.bot("web");
    assert!(bot["health"].is_null() && bot["last_check"].is_null(), "{bot}");
    assert_eq!(lab.pid("web"), pid, "it was restarted");
    lab.shutdown();
}

/// Promise 6.61.
#[test]
fn servers_that_do_not_answer_delay_no_other_check_and_no_command() {
    // Connections wait in the backlog for ever.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::new();
    let hanging = format!(
        "[bot.hangs]\ncommand = \"BOT\"\nargs = [\"idle\"]\ninstances = 50\n\
         check = {{ http = \"http://{}/\", every = \"20ms\", timeout = \"60s\", failures = 1 }}\n",
        silent.local_addr().unwrap()
    );
    let lab = CliLab::new(&format!(
        "{hanging}[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n\
         check = {{ http = \"http://127.0.0.1:{}/\", every = \"20ms\", failures = 1 }}\n",
        server.port
    ));
    let monitor = lab.start();
    server.is_asked(20);
    assert_eq!(lab.bot("web")["health"], "healthy");
    assert_eq!(lab.bot("hangs:7")["health"], "unknown");
    assert!(crate::common::threads(&monitor.id().to_string()) < 12, "a thread for each check");
    lab.shutdown();
}

#[test]
fn bot_is_ready_when_its_server_answers_or_its_program_succeeds() {
    let server = Server::new();
    server.answers(503);
    let lab = CliLab::new(&format!(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\nready = {{ http = \"http://127.0.0.1:{}/\" }}\n\
         [bot.db]\ncommand = \"BOT\"\nargs = [\"idle\"]\n\
         ready = {{ exec = [\"/bin/sh\", \"-c\", \"echo not yet; test -e LAB/ready\"] }}\n\
         [bot.last]\ncommand = \"BOT\"\nargs = [\"idle\"]\ndepends_on = [\"web\", \"db\"]\n",
        server.port
    ));
    lab.start();
    let told = |name: &str, text: &str| {
        lab.until(name, |bot| bot["reason"].as_str().is_some_and(|reason| reason.contains(text)));
    };
    told("web", "status 503");
    told("db", "exited with status 1: `not yet`");
    assert_eq!(lab.bot("last")["state"], "waiting");
    server.answers(204);
    lab.lab.write("ready", "");
    let bot = lab.until_is("last", "running");
    assert!(bot["reason"].is_null());
    lab.shutdown();
}
