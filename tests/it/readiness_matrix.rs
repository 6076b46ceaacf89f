//! Bodies of every kind that fail in every way before the daemon is ready: the launcher's report, and the cleanup.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use look::{Deadline, Lab, Outcome};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, LOCK, PIDFILE, each};

/// The outcome of a start.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// The start fails with this status and text, and leaves nothing.
    Fails(i32, &'static str),
    /// The start succeeds, and the daemon is at work.
    Works,
    /// The start succeeds after the time after which a silent body counts as ready.
    WorksLater,
    /// The start succeeds, and the daemon ends by itself, in order.
    Ends,
    /// The start succeeds, and the daemon ends out of order: a pidfile may be left.
    Dies,
    /// There is no launcher: the process exits with this status.
    Exits(i32, &'static str),
}

use Expected::{Dies, Ends, Exits, Fails, Works, WorksLater};

const KINDS: [&str; 12] = [
    "run",
    "run-async",
    "run-current",
    "step",
    "step-async",
    "messages",
    "messages-async",
    "main",
    "activate",
    "foreground",
    "manual",
    "entered",
];

/// The ways, and their outcomes with `ready = auto` for bodies that run once.
const WAYS: [(&str, Expected); 18] = [
    ("err", Fails(4, "the body failed: no such table")),
    ("late-err", Fails(4, "the body failed: no such table")),
    ("busy-err", Fails(4, "the body failed: no such table")),
    ("panic", Fails(4, "the body panicked: no such table")),
    ("exit-7", Fails(2, "exited with status 7 before it was ready")),
    ("exit-0", Ends),
    ("ok", Ends),
    ("segv", Fails(2, "killed by signal 11 (SIGSEGV) before it was ready")),
    ("kill", Fails(2, "killed by signal 9 (SIGKILL) before it was ready")),
    ("abort", Fails(2, "killed by signal 6 (SIGABRT) before it was ready")),
    ("port", Fails(4, "the body failed: Address already in use")),
    ("file", Fails(4, "the body failed: missing.toml: No such file")),
    ("term", Fails(2, "failed to start: stopped while starting")),
    ("hang", WorksLater),
    ("stop", Ends),
    ("other-look", Fails(2, "exited with status 9 before it was ready")),
    // If the daemon was not ready at the call, its exit would be a failure.
    ("ready-exit", Dies),
    // If the daemon was not ready at the look, its exit would be a failure.
    ("look-exit", Dies),
];

/// Returns the outcome for the other kinds, where it differs.
fn expected(kind: &str, way: &str, once: Expected) -> Expected {
    match (kind, way, once) {
        ("step" | "step-async" | "messages" | "messages-async", "ok", _) | ("entered", "hang", _) => Works,
        // An error costs one message, and the daemon continues.
        ("messages" | "messages-async", _, Fails(4, _)) => WorksLater,
        ("foreground", "exit-7", _) => Exits(7, ""),
        ("foreground", "look-exit" | "ready-exit" | "other-look", _) => Exits(9, ""),
        ("foreground", "term", _) | ("foreground", _, Ends) => Exits(0, ""),
        ("foreground", "segv", _) => Exits(139, ""),
        ("foreground", "kill", _) => Exits(137, ""),
        ("foreground", "abort", _) => Exits(134, ""),
        ("foreground", _, Fails(code, words)) => Exits(code, words),
        // The rest of a program reports its error itself, on its stderr.
        ("activate", "panic", _) => Fails(2, "exited with status 101 before it was ready"),
        ("activate", _, Fails(4, _)) => Fails(2, "exited with status 1 before it was ready"),
        ("manual", "ok", _) => Fails(2, "the body returned before it was ready"),
        ("manual", "exit-0", _) => Fails(2, "exited with status 0 before it was ready"),
        ("manual", "stop", _) => Fails(2, "failed to start: stopped while starting"),
        ("manual", "look-exit", _) => Fails(2, "exited with status 9 before it was ready"),
        ("manual", "hang", _) => Fails(2, "not ready within"),
        ("entered", "ok" | "stop" | "term", _) => Ends,
        ("entered", _, _) => Dies,
        _ => once,
    }
}

/// Promises 1.31, 1.32, 1.08. Prints the number of cells that hold.
#[test]
fn body_that_fails_before_ready_in_any_way_fails_the_start() {
    let taken = TakenPort::new();
    let cells: Vec<_> = KINDS.iter().flat_map(|kind| WAYS.map(|(way, once)| (*kind, way, once))).collect();
    let (count, wrong) = (cells.len(), Mutex::new(Vec::new()));
    each(cells, |(kind, way, once)| {
        let expected = expected(kind, way, once);
        if let Err(why) = cell(kind, way, expected, &taken) {
            wrong.lock().expect("no panic").push(format!("{kind}, {way}: expected {expected:?}: {why}"));
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    println!("{} of {count} cells hold", count - wrong.len());
    assert!(wrong.is_empty(), "{} of {count} cells:\n{}", wrong.len(), wrong.join("\n"));
}

fn cell(kind: &str, way: &str, expected: Expected, taken: &TakenPort) -> Result<(), String> {
    let lab = match kind {
        "main" => Lab::new(env!("CARGO_BIN_EXE_readiness_main")),
        _ => Lab::new(env!("CARGO_BIN_EXE_readiness")),
    };
    lab.write("port", taken.0.to_string());
    let arguments = if kind == "main" { vec![way] } else { vec![kind, way] };
    if kind == "foreground" && way == "hang" {
        let daemon = lab.helper(&arguments).spawn();
        lab.wait_for("hangs", EVENT_TIMEOUT, |_| true);
        daemon.signal(Signal::SIGTERM);
        return has(&daemon.finish(), 0, "").and_then(|()| nothing_is_left(&lab));
    }
    let outcome = lab.helper(&arguments).run();
    let pid = || lab.read(PIDFILE).lines().next().and_then(|line| line.parse().ok()).map(look::Process::new);
    match expected {
        Fails(code, words) => {
            has(&outcome, code, words)?;
            // The output of a manual start reaches the launcher itself.
            let log = format!("what it printed is in `{}`", lab.path("log").display());
            if kind != "manual" && way != "term" && !outcome.stderr.contains(&log) {
                return Err(format!("the log is not named: {outcome}"));
            }
            nothing_is_left(&lab)
        }
        Exits(code, words) => has(&outcome, code, words),
        Works | WorksLater => {
            has(&outcome, 0, "")?;
            if matches!(expected, WorksLater) && outcome.took < Duration::from_millis(100) {
                return Err(format!("ready after {:?}", outcome.took));
            }
            let daemon = pid().filter(|daemon| daemon.alive()).ok_or("no daemon is at work")?;
            daemon.signal(Signal::SIGTERM);
            nothing_is_left(&lab)
        }
        Ends => has(&outcome, 0, "").and_then(|()| nothing_is_left(&lab)),
        Dies => has(&outcome, 0, "").and_then(|()| lab.quiet(EVENT_TIMEOUT).map_err(|_| "it lives on".to_owned())),
    }
}

fn has(outcome: &Outcome, code: i32, words: &str) -> Result<(), String> {
    if outcome.code() == code && outcome.stderr.contains(words) { Ok(()) } else { Err(outcome.to_string()) }
}

fn nothing_is_left(lab: &Lab) -> Result<(), String> {
    lab.quiet(EVENT_TIMEOUT).map_err(|_| format!("processes are left: {:?}", lab.processes()))?;
    let mut left = String::new();
    for name in [PIDFILE, LOCK, "d.pid.new"].into_iter().filter(|name| lab.path(name).exists()) {
        let _ = write!(left, "{name} is left, holding {:?}; ", lab.read(name));
    }
    if left.is_empty() { Ok(()) } else { Err(left) }
}

/// A port of `localhost`, whichever address that is, which this process has bound.
struct TakenPort(u16, #[allow(dead_code, reason = "held")] Vec<TcpListener>);

impl TakenPort {
    fn new() -> TakenPort {
        let deadline = Deadline::after(EVENT_TIMEOUT);
        loop {
            let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            let port = four.local_addr().expect("an address").port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
                Ok(six) => return TakenPort(port, vec![four, six]),
                Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => return TakenPort(port, vec![four]),
                Err(error) => assert!(!deadline.passed(), "{error}"),
            }
        }
    }
}

/// Promise 1.34.
#[test]
fn manual_start_that_asks_for_more_time_outlives_its_timeout() {
    let taken = TakenPort::new();
    cell("manual", "hang", Fails(2, "not ready within 700ms"), &taken).expect("it has 0.7 s");
    cell("manual", "extend", Works, &taken).expect("it asks for more");
}

/// Promise 1.31. In a program built with `panic = "abort"`, the text of a panic reaches the launcher too.
#[test]
fn panic_that_aborts_before_ready_fails_the_start_with_its_text() {
    let program = aborting();
    for ready in ["auto", "manual"] {
        for (kind, words) in [
            ("run", "the body panicked"),
            ("step", "the body panicked"),
            ("messages", "the body panicked"),
            ("thread", "a thread panicked"),
        ] {
            let lab = Lab::new(program.clone());
            let outcome = lab.helper(&[PIDFILE, kind, ready]).run().exits(4);
            outcome.says(&[&format!("failed to start: {words}: no such table")]);
            nothing_is_left(&lab).expect("all is taken back");
        }
    }
}

/// Builds the program that aborts, once, beside the programs of this test.
fn aborting() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let profile = Path::new(env!("CARGO_BIN_EXE_lab")).parent().expect("a directory of programs");
        let target = profile.with_file_name("aborting");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args([
            "build",
            "--package",
            "daemonic-aborting",
            "--config",
            "profile.dev.panic=\"abort\"",
            "--manifest-path",
        ]);
        cargo.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")).env("CARGO_TARGET_DIR", &target);
        let built = cargo.output().expect("cargo");
        assert!(built.status.success(), "it does not build:\n{}", String::from_utf8_lossy(&built.stderr));
        target.join("debug/daemonic-aborting")
    };
    PROGRAM.get_or_init(build).clone()
}
