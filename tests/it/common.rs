//! Helpers that the tests share.

use std::fs;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use look::{Deadline, Lab, Outcome, Process};
use nix::sys::wait::WaitStatus;

/// The pidfile of every daemon that has only one.
pub(crate) const PIDFILE: &str = "d.pid";

/// The lock file of the pidfile.
pub(crate) const LOCK: &str = "d.pid.lock";

/// The timeout of events that happen immediately, on a busy machine.
pub(crate) const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The nine stages, in their order.
pub(crate) const STAGES: [&str; 9] =
    ["Detach", "CoreDumps", "Identity", "Umask", "WorkingDirectory", "PidFile", "Signals", "Descriptors", "Stdio"];

/// Returns a lab with the helper program `lab`.
pub(crate) fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_lab"))
}

/// Returns a lab for several users: its copy of the helper program is accessible to all.
pub(crate) fn shared_lab() -> Lab {
    let mut lab = lab();
    lab.bring_program();
    lab
}

/// Runs `VERB pidfile=d.pid …`.
pub(crate) fn run(lab: &Lab, verb: &str, settings: &[&str]) -> Outcome {
    lab.helper(&[verb, "pidfile=d.pid"]).args(settings).run()
}

/// Starts a daemon that must start, and returns it.
#[track_caller]
pub(crate) fn start(lab: &Lab, settings: &[&str]) -> Process {
    let started = run(lab, "start", settings).ok();
    let daemon = lab.daemon(PIDFILE);
    assert_eq!(started.number("started"), daemon.id(), "the pidfile names another than the launcher: {started}");
    assert!(daemon.alive(), "started, but dead: {started}");
    daemon
}

/// Stops the daemon, which must work.
#[track_caller]
pub(crate) fn stop(lab: &Lab) -> Outcome {
    run(lab, "stop", &[]).ok()
}

/// Asserts that a start or a stop left no process, no pidfile and no lock file.
#[track_caller]
pub(crate) fn nothing_left(lab: &Lab) {
    nothing_left_within(lab, EVENT_TIMEOUT);
}

/// Asserts the same, within `time`.
#[track_caller]
pub(crate) fn nothing_left_within(lab: &Lab, time: Duration) {
    if lab.quiet(time).is_err() {
        let left: Vec<_> = lab.processes().into_iter().map(|process| (process, process.stat())).collect();
        panic!("processes left behind: {left:?}");
    }
    assert!(!lab.path(PIDFILE).exists(), "a pidfile left behind, holding {:?}", lab.read(PIDFILE));
    for name in [LOCK, "d.pid.new", "d.last.new"] {
        assert!(!lab.path(name).exists(), "{name} left behind");
    }
}

/// Waits until the session leader has exited and `daemon` is a child of this process, which then receives its exit
/// status.
#[track_caller]
pub(crate) fn adopt(daemon: Process) -> Process {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    let this = i32::try_from(std::process::id()).expect("a pid fits into an int");
    while let Some(stat) = daemon.stat().filter(|stat| stat.parent != this) {
        look::death(stat.parent, deadline).expect("the middle process leaves after the start");
    }
    daemon
}

/// Asserts the exit status of the daemon.
#[track_caller]
pub(crate) fn ended(daemon: Process, status: i32) {
    match daemon.died(EVENT_TIMEOUT).expect("the daemon ends") {
        Some(WaitStatus::Exited(_, found)) => assert_eq!(found, status, "another exit status"),
        other => panic!("another end than an exit: {other:?}"),
    }
}

/// Runs `work` on each of the items, four at a time.
pub(crate) fn each<T: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) {
    let queue = Mutex::new(items.into_iter().collect::<Vec<T>>().into_iter());
    let next = || queue.lock().expect("next() does not panic").next();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(item) = next() {
                    work(item);
                }
            });
        }
    });
}

/// Returns the number of rounds of a loop: `quick`, or `full` if `DAEMON_TESTS_FULL=1`.
pub(crate) fn times(quick: usize, full: usize) -> usize {
    if std::env::var_os("DAEMON_TESTS_FULL").is_some_and(|value| value == "1") { full } else { quick }
}

/// Asserts that the programs that a test requires are installed.
#[track_caller]
pub(crate) fn needs(programs: &[&str]) {
    let directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let is_there = |program: &&str| directories.iter().any(|place| std::path::Path::new(place).join(program).exists());
    let missing: Vec<_> = programs.iter().filter(|program| !is_there(program)).collect();
    assert!(missing.is_empty(), "this test needs {missing:?}, which `scripts/test` installs");
}

/// Asserts that the test runs as root.
#[track_caller]
pub(crate) fn needs_root() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
}

/// Keeps lower-case letters only, so that `WorkingDirectory`, `working_directory` and "working directory" are equal.
pub(crate) fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Moves the pidfile and its lock file away, as any process could that may write the directory.
pub(crate) fn move_away(lab: &Lab) {
    fs::rename(lab.path(PIDFILE), lab.path("moved")).expect("a pidfile");
    fs::rename(lab.path(LOCK), lab.path("moved.lock")).expect("a lock file");
}
