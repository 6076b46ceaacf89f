//! Starts that hang, and the check that the monitor still serves everything else.

use crate::common::{BOT, EVENT_TIMEOUT, begin, client, number, process, state, status, tell, wait_for};
use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Installs a copy of the helper program, which a test can make hang.
pub(crate) fn install_bot(lab: &Lab, name: &str) {
    lab.shell(&format!("install -m 755 {BOT} {name}")).run().ok();
}

/// Returns the children of the monitor that have not executed their programs yet.
pub(crate) fn pending_children(monitor: Process) -> Vec<Process> {
    let is_one = |process: &Process| {
        let stat = process.stat();
        stat.is_some_and(|stat| stat.parent == monitor.id() && stat.session == process.id() && stat.state != 'Z')
            && process.program() == monitor.program()
    };
    Process::all().filter(is_one).collect()
}

/// Waits until the starts of `count` bots hang, and returns their processes.
#[track_caller]
pub(crate) fn wait_for_pending(monitor: Process, count: usize) -> Vec<Process> {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    loop {
        let found = pending_children(monitor);
        if found.len() == count {
            return found;
        }
        assert!(!deadline.passed(), "{} instead of {count}: {found:?}", found.len());
    }
}

/// Returns the child whose start hangs.
#[track_caller]
pub(crate) fn pending_child(monitor: Process) -> Process {
    wait_for_pending(monitor, 1)[0]
}

/// Starts a bot, whose start hangs.
#[track_caller]
pub(crate) fn start_hung(lab: &Lab, bot: &str) {
    begin(lab, &format!("start {bot}"));
    wait_for(lab, bot, "starting");
    let deadline = Deadline::after(EVENT_TIMEOUT);
    loop {
        let told = status(lab, bot);
        assert!(
            told.contains("\"state\":\"starting\"") && told.contains("\"pid\":null") && !deadline.passed(),
            "{told}"
        );
        if told.contains("does not come back") {
            return;
        }
    }
}

/// Asserts that requests are answered soon, and that bots that die are restarted soon.
#[track_caller]
pub(crate) fn monitor_responds(lab: &Lab) {
    let mut slowest = Duration::ZERO;
    for round in 0..10 {
        let asked = Instant::now();
        client(lab).get("/monitor").expect("an answer");
        slowest = slowest.max(asked.elapsed());
        let before = process(lab, "web");
        let begin = Instant::now();
        if round % 2 == 0 {
            before.signal(Signal::SIGKILL);
            before.died(EVENT_TIMEOUT).unwrap();
        } else {
            tell(lab, "restart --wait=20s web");
        }
        while number(&status(lab, "web"), "pid") == u64::try_from(before.id()).unwrap()
            || state(lab, "web") != "running"
        {
            assert!(begin.elapsed() < Duration::from_secs(10), "{}", status(lab, "web"));
        }
        tell(lab, "start --wait=20s late");
        tell(lab, "stop --wait=20s late");
    }
    println!("the slowest answer took {slowest:?}");
    assert!(slowest < Duration::from_millis(500), "an answer took {slowest:?}");
}

pub(crate) const UNAFFECTED_BOTS: [&str; 2] = [
    r#"web = { command = "BOT", args = ["idle"], limit = { exits = 1000, window = "1s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 } }"#,
    r#"late = { command = "BOT", args = ["idle"], autostart = false }"#,
];
