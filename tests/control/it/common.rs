//! Helpers that the tests share.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use look::{Lab, Outcome, Process};

use crate::http::{Answer, Http};

/// The pidfile of every daemon.
pub(crate) const PIDFILE: &str = "d.pid";
/// The socket of its endpoint.
pub(crate) const SOCKET: &str = "d.control/socket";
/// The token file beside the socket.
pub(crate) const TOKEN: &str = "d.control/token";

/// Timeout for events that normally occur at once, on a busy machine.
pub(crate) const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum duration of an operation that waits for no timeout, on a busy machine.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(4);

/// Returns a lab with the helper program.
pub(crate) fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_control-lab"))
}

/// Returns a lab whose helper program other users can execute.
pub(crate) fn shared_lab() -> Lab {
    let mut lab = lab();
    lab.bring_program();
    lab
}

/// Starts the daemon, and returns the outcome of the start.
pub(crate) fn try_start(lab: &Lab, settings: &[&str]) -> Outcome {
    lab.helper(&["start"]).args(settings).run()
}

/// Starts the daemon, and returns its process. Panics if the start fails.
#[track_caller]
pub(crate) fn start(lab: &Lab, settings: &[&str]) -> Process {
    let started = try_start(lab, settings).ok();
    let daemon = lab.daemon(PIDFILE);
    assert_eq!(started.number("started"), daemon.id(), "{started}");
    runs(lab);
    daemon
}

/// Waits until the endpoint reports the state `running`, which may be shortly after the launcher has returned.
#[track_caller]
pub(crate) fn runs(lab: &Lab) {
    let mut states = unix(lab);
    states.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    states.until(br#"{"state":"running"}"#).expect("a daemon that runs");
}

/// Connects to the socket.
#[track_caller]
pub(crate) fn unix(lab: &Lab) -> Http<UnixStream> {
    // The path of a temporary directory may exceed the limit of `sun_path`.
    let stream = UnixStream::connect(lab.path(SOCKET)).expect("a socket that listens");
    stream.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a timeout");
    Http::new(stream)
}

/// Returns the TCP address of the daemon.
#[track_caller]
pub(crate) fn address(lab: &Lab) -> SocketAddr {
    let pidfile = lab.read(PIDFILE);
    let line = pidfile.lines().find_map(|line| line.strip_prefix("http://"));
    line.and_then(|line| line.parse().ok()).unwrap_or_else(|| panic!("no address in {pidfile:?}"))
}

/// Connects to the port.
#[track_caller]
pub(crate) fn tcp(lab: &Lab) -> Http<TcpStream> {
    let stream = TcpStream::connect(address(lab)).expect("a port that listens");
    stream.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a timeout");
    Http::new(stream)
}

/// Sends a `GET` request on a new connection to the socket.
#[track_caller]
pub(crate) fn get(lab: &Lab, path: &str) -> Answer {
    unix(lab).ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
}

/// Sends a `POST` request with JSON on a new connection to the socket.
#[track_caller]
pub(crate) fn post(lab: &Lab, path: &str, body: &str) -> Answer {
    unix(lab).ask(&posted(path, "x", "", body))
}

/// Returns the text of a `POST` request. Each of the additional `headers` ends with CR LF.
pub(crate) fn posted(path: &str, host: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// Returns the header with the daemon's token.
pub(crate) fn authorization(lab: &Lab) -> String {
    format!("Authorization: Bearer {}\r\n", lab.read(TOKEN).trim())
}

/// Waits until the daemon has at most `count` descriptors.
///
/// Polls, because no event reports that another process closes a descriptor.
#[track_caller]
pub(crate) fn descriptors_return_to(daemon: Process, count: usize) {
    let begun = Instant::now();
    while daemon.descriptors().len() > count {
        assert!(begun.elapsed() < EVENT_TIMEOUT, "{} descriptors instead of {count}", daemon.descriptors().len());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until no process is left. Asserts that the pidfile, the socket and the token were removed.
#[track_caller]
pub(crate) fn nothing_left(lab: &Lab) {
    assert!(lab.quiet(EVENT_TIMEOUT).is_ok(), "processes left behind: {:?}", lab.processes());
    for name in [PIDFILE, SOCKET, TOKEN, "d.control"] {
        assert!(!lab.path(name).exists(), "`{name}` left behind");
    }
}

/// Asserts that the test runs as root.
#[track_caller]
pub(crate) fn needs_root() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
}

/// Returns `true` if the long forms of the tests are requested.
pub(crate) fn in_full() -> bool {
    std::env::var_os("DAEMON_TESTS_FULL").is_some_and(|value| value == "1")
}
