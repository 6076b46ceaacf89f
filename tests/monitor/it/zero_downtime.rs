//! Requests on the sockets of `listen` while all instances of a bot are restarted one after another.
//!
//! With `DAEMON_TESTS_FULL=1` there are at least 10,000 requests, and the figures of the guide are printed.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use look::Deadline;

use crate::cli_lab::{CliLab, example};
use crate::common::{BOT, EVENT_TIMEOUT};

/// Returns an address on which no process listens.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Sends requests of this kind by four clients while `during` runs, and returns the report of the clients. `during` begins when the
/// first request was answered.
fn under_load(cli: &CliLab, address: SocketAddr, kind: &str, during: impl FnOnce()) -> String {
    let file = cli.lab.path(kind).display().to_string();
    let load = cli.lab.command(BOT, &[&format!("load:{address}:{kind}:4:0:{file}")]).within(Duration::from_secs(60));
    let running = load.spawn();
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains('\n')) {
        assert!(!deadline.passed(), "no answer");
        std::thread::sleep(Duration::from_millis(2));
    }
    during();
    cli.lab.write(&format!("{kind}.stop"), "");
    running.finish().ok().stdout
}

/// Asserts that the clients have had answers of both versions, and no failure.
#[track_caller]
fn assert_no_failure(report: &str) {
    assert!(report.contains("requests, 0 failed"), "{report}");
    assert!(report.contains("v1 ") && report.contains("v2 "), "{report}");
}

fn servers(address: SocketAddr, version: &str) -> String {
    format!(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"serve:{version}\"]\ninstances = 4\nready = \"notify\"\nlisten = \"{address}\"\n"
    )
}

/// Promise 6.64.
#[test]
fn rolling_reload_under_load_fails_no_request() {
    let address = free_address();
    let cli = CliLab::new(&servers(address, "v1"));
    cli.ok(&["start", "--wait"]);
    cli.monitor();
    let is_full = std::env::var_os("DAEMON_TESTS_FULL").is_some();
    for (kind, version) in [("new", "v2"), ("keep", "v1")] {
        let report = under_load(&cli, address, kind, || {
            let begin = Instant::now();
            cli.configure(&servers(address, version));
            cli.ok(&["reload", "--wait"]);
            while is_full && begin.elapsed() < Duration::from_secs(5) {
                cli.ok(&["restart", "--wait", "web"]);
            }
        });
        println!("{kind}: {report}");
        assert_no_failure(&report);
    }
    cli.shutdown();
    assert!(TcpStream::connect(address).is_err(), "the socket is still open");
}

/// Promise 6.64. The program is the one that the guide shows.
#[test]
fn python_program_of_the_guide_loses_no_request_in_a_rolling_restart() {
    let guide = include_str!("../../../docs/guide/zero-downtime.md");
    let program = guide.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    let address = free_address();
    let bots = |version: &str| {
        format!(
            "[bot.web]\ncommand = \"python3\"\nargs = [\"LAB/server.py\"]\ninstances = 2\nready = \"notify\"\n\
             listen = \"{address}\"\nenv = {{ VERSION = \"{version}\" }}\n"
        )
    };
    let cli = CliLab::new(&bots("v1"));
    cli.lab.write("server.py", program);
    cli.ok(&["start", "--wait"]);
    cli.monitor();
    let report = under_load(&cli, address, "keep", || {
        cli.configure(&bots("v2"));
        cli.ok(&["reload", "--wait"]);
    });
    assert_no_failure(&report);
    cli.shutdown();
}

/// Promise 6.65.
#[test]
fn daemon_of_the_library_takes_the_sockets_of_the_monitor() {
    let (one, other) = (free_address(), free_address());
    let cli = CliLab::new(&format!(
        "[bot.web]\ncommand = \"{}\"\nready = \"notify\"\nlisten = [\"{one}\", \"{other}\"]\n",
        example("library_bot").display()
    ));
    cli.ok(&["start", "--wait"]);
    cli.monitor();
    for address in [one, other, one, other] {
        let mut answer = String::new();
        TcpStream::connect(address).unwrap().read_to_string(&mut answer).unwrap();
        let (name, pid) = answer.trim_end().split_once(' ').expect("a name and a pid");
        assert_eq!(name, "web");
        assert_eq!(pid, cli.pid("web").to_string());
    }
    // Its events still come, on the descriptor behind the sockets.
    cli.until("web", |bot| bot["events"].to_string().contains("\"reply\""));
    cli.shutdown();
}
