//! One run of a verb under strace.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use look::{Deadline, Lab, Outcome, Process, Running};
use nix::sys::signal::Signal;

use crate::judge::{self, Scene};
use crate::plan::{self, Kind, Point, Root, Scenario};

/// Longer than every deadline of a verb: whoever has not returned then hangs.
const PATIENCE: Duration = Duration::from_secs(15);

/// Between two looks at whether a process has stopped or is traced, which nothing tells.
const LOOK: Duration = Duration::from_millis(1);

/// Every daemon's; short, so that a hang is seen soon.
const SETTINGS: [&str; 4] = ["pidfile=d.pid", "start_timeout=3000", "grace=1000", "stop_timeout=2000"];

/// Whose the daemons of `start` are.
pub(crate) const SOMEBODY: u32 = 65_534;

/// How often each call is made, undisturbed.
pub(crate) fn record(program: &Path, scenario: Scenario) -> Result<BTreeMap<String, usize>, String> {
    let recorded = catch_unwind(AssertUnwindSafe(|| {
        let lab = Lab::new(program);
        perform(&lab, scenario, &["-e", "signal=none"]).ok();
        plan::count(&lab.read("trace"))
    }));
    recorded.map_err(|why| format!("{scenario}: {}", text(&*why)))
}

/// Tries one point; an error is what was found.
pub(crate) fn run(program: &Path, point: &Point) -> Result<(), String> {
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let lab = Lab::new(program);
        let trace = format!("trace={}", point.call);
        let inject = format!("inject={}", point.injection());
        let outcome = perform(&lab, point.scenario, &["-e", "signal=none", "-e", &trace, "-e", &inject]);
        judge::judge(&Scene { lab: &lab, point, outcome });
    }));
    tried.map_err(|why| text(&*why))
}

/// What a person types to see it again.
pub(crate) fn reproduction(point: &Point) -> String {
    let Point { scenario, call, .. } = point;
    let inject = point.injection();
    let verb = format!("lab {} {}", scenario.verb, arguments(*scenario).join(" "));
    let start = if scenario.verb == "start" { "" } else { "lab start pidfile=d.pid; " };
    let trace = format!("strace -f -e trace={call} -e inject={inject} -p $P & sleep 1;");
    if scenario.root == Root::Elder {
        format!("{start}P=$(head -1 d.pid); {trace} {verb}")
    } else {
        format!("{start}{verb} & sleep 1; P=$(pgrep -r T -n lab); {trace} kill -CONT $P; wait %1")
    }
}

/// Starts what the verb is about, lets the verb go under strace, and waits until everything has settled.
fn perform(lab: &Lab, scenario: Scenario, injection: &[&str]) -> Outcome {
    if scenario.verb != "start" {
        lab.helper(&["start"]).args(SETTINGS).run().ok();
        one_daemon(lab);
    }
    let verb = || lab.helper(&[scenario.verb]).args(arguments(scenario)).within(PATIENCE);
    let (verb, strace) = if scenario.root == Root::Elder {
        let strace = traced(lab, lab.daemon("d.pid"), injection);
        (verb().spawn(), strace)
    } else {
        let verb = verb().spawn();
        let process = stopped(lab);
        let strace = traced(lab, process, injection);
        process.signal(Signal::SIGCONT);
        (verb, strace)
    };
    let outcome = verb.finish();
    settle(lab, &outcome);
    strace.signal(Signal::SIGTERM);
    strace.finish();
    outcome
}

fn arguments(scenario: Scenario) -> Vec<&'static str> {
    let stop = match scenario.root {
        Root::Launcher => Some("first=kill:STOP"),
        Root::Fork => Some("before=Detach:kill:STOP"),
        Root::Daemon => Some("after=Detach:kill:STOP"),
        Root::Elder => None,
    };
    let user = (scenario.verb == "start").then_some("user=65534");
    SETTINGS.into_iter().chain(stop).chain(user).collect()
}

/// The processes of the helper program (strace is one of the lab as well).
pub(crate) fn family(lab: &Lab) -> Vec<Process> {
    // A build meanwhile replaces the file, which `/proc` then calls deleted.
    let is_lab = |path: PathBuf| Path::new(path.to_string_lossy().trim_end_matches(" (deleted)")) == lab.program();
    let ours = |process: &Process| process.program().is_some_and(is_lab);
    lab.processes().into_iter().filter(ours).collect()
}

/// The one process that has stopped itself.
fn stopped(lab: &Lab) -> Process {
    let is_stopped = |process: &Process| process.stat().is_some_and(|stat| stat.state == 'T');
    wait_until("the verb never stopped", || family(lab).into_iter().find(is_stopped))
}

/// Attaches strace to a process and all its threads.
fn traced<'lab>(lab: &'lab Lab, process: Process, injection: &[&str]) -> Running<'lab> {
    let pid = process.id().to_string();
    let strace = lab.command("strace", &["-f", "-qq", "-o", "trace", "-p", &pid]).args(injection);
    let strace = strace.within(PATIENCE * 2).spawn();
    let attached = |thread: Process| thread.status("TracerPid").is_some_and(|tracer| tracer != "0");
    // It interrupts a call that waits, and sees it made again: who is to be killed at that very call is dead by now.
    let all = || !process.alive() || process.threads().into_iter().all(attached);
    wait_until("strace did not attach", || all().then_some(()));
    strace
}

/// Waits for what happens behind the verb's back: the middle leaves, a failed start is cleaned up.
fn settle(lab: &Lab, outcome: &Outcome) {
    let expected = usize::from(outcome.code() == 0);
    let deadline = Deadline::after(Duration::from_secs(4));
    while family(lab).len() > expected && !deadline.passed() {
        thread::sleep(LOOK * 5);
    }
}

/// Waits until the middle of a start has left.
pub(crate) fn one_daemon(lab: &Lab) {
    wait_until("more than one process after a start", || (family(lab).len() < 2).then_some(()));
}

fn wait_until<T>(else_say: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::after(Duration::from_secs(5));
    while !deadline.passed() {
        if let Some(answer) = question() {
            return answer;
        }
        thread::sleep(LOOK);
    }
    panic!("{else_say}")
}

/// Whether the verb's own process was killed by us.
pub(crate) fn was_killed(point: &Point, outcome: &Outcome) -> bool {
    point.kind == Kind::Killed && outcome.code() == 137
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text").to_owned()
}
