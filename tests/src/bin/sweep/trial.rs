//! One run of a verb under strace.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use look::{Deadline, Lab, Outcome, Process, Running, Stat};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::checks::{self, Scene};
use crate::plan::{self, Kind, Point, Root, Scenario};
use crate::properties::Properties;

/// Exceeds every deadline of a verb: a verb that has not returned by then hangs.
const VERB_TIMEOUT: Duration = Duration::from_secs(15);

/// The interval at which processes are polled for states that raise no event: stopped, or traced.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The settings of every daemon; short, so that a hang is seen soon.
const SETTINGS: [&str; 4] = ["pidfile=d.pid", "start_timeout=3000", "grace=1000", "stop_timeout=2000"];

/// The user of the daemons of `start`.
pub(crate) const TARGET_UID: u32 = 65_534;

/// The result of an undisturbed run.
pub(crate) struct Record {
    /// The number of times that each call is made.
    pub(crate) calls: BTreeMap<String, usize>,
    /// The daemon that runs afterwards.
    pub(crate) daemon: Properties,
}

/// Runs the scenario undisturbed.
pub(crate) fn record(program: &Path, scenario: Scenario) -> Result<Record, String> {
    let recorded = catch_unwind(AssertUnwindSafe(|| {
        let lab = Lab::new(program);
        let asleep = |_: &Outcome| {
            wait_until("not at rest", || (helper_processes(&lab).len() < 2 && is_idle(&lab)).then_some(()));
        };
        perform(&lab, scenario, &[], asleep).ok();
        let calls = plan::count(&lab.read("trace"), scenario.at_once());
        let daemon =
            helper_processes(&lab).first().map_or_else(Properties::default, |daemon| Properties::of(&lab, *daemon));
        Record { calls, daemon }
    }));
    recorded.map_err(|why| format!("{scenario}: {}", text(&*why)))
}

/// The result of one point.
pub(crate) struct Trial {
    /// `true` if the call was made; a process that fails earlier for another reason does not reach it.
    pub(crate) hit: bool,
    /// An error is a finding.
    pub(crate) verdict: Result<(), String>,
}

/// Runs one point; a success must leave the usual daemon.
pub(crate) fn run(program: &Path, point: &Point, usual: &Properties) -> Trial {
    let lab = Lab::new(program);
    let trace = format!("trace={}", point.call);
    let inject = format!("inject={}", point.injection());
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let settled = |outcome: &Outcome| settle(&lab, point, outcome);
        let outcome = perform(&lab, point.scenario, &["-e", &trace, "-e", &inject], settled);
        checks::check(&Scene { lab: &lab, point, outcome, usual });
    }));
    let times = plan::count(&lab.read("trace"), 1).get(&point.call).copied().unwrap_or(0);
    drop(lab);
    reap_adopted();
    Trial { hit: times >= point.nth, verdict: tried.map_err(|why| text(&*why)) }
}

/// Returns the command line that reproduces a point.
pub(crate) fn reproduction(point: &Point) -> String {
    let Point { scenario, call, .. } = point;
    let inject = point.injection();
    let verb = format!("lab {} {}", scenario.verb, arguments(*scenario).join(" "));
    let start = if scenario.verb == "start" { "" } else { "lab start pidfile=d.pid; " };
    let follow = if scenario.follows() { "-f " } else { "" };
    let trace = format!("strace {follow}-e trace={call} -e inject={inject} -p $P & sleep 1;");
    match scenario.root {
        Root::RunningDaemon => format!("{start}P=$(head -1 d.pid); {trace} {verb}"),
        Root::SignalThread => format!("{start}P=$(ls /proc/$(head -1 d.pid)/task | tail -1); {trace} {verb}"),
        _ => format!("{start}{verb} & sleep 1; P=$(pgrep -r T -n lab); {trace} kill -CONT $P; wait %1"),
    }
}

/// Prepares a daemon if the verb needs one, and performs the verb under strace, which stays attached until everything
/// has settled.
fn perform(lab: &Lab, scenario: Scenario, injection: &[&str], settle: impl Fn(&Outcome)) -> Outcome {
    if scenario.verb != "start" {
        lab.helper(&["start"]).args(SETTINGS).run().ok();
        wait_until_initialized(lab);
    }
    let verb = || lab.helper(&[scenario.verb]).args(arguments(scenario)).within(VERB_TIMEOUT).spawn();
    let (verb, strace) = match scenario.root {
        Root::RunningDaemon | Root::SignalThread => {
            let daemon = lab.daemon("d.pid");
            let thread = if scenario.root == Root::RunningDaemon { daemon } else { signal_thread(daemon) };
            // strace attaches first: a process killed where it waits is dead before the verb begins.
            let strace = traced(lab, scenario, thread, injection);
            (verb(), strace)
        }
        _ => {
            let verb = verb();
            let process = stopped_process(lab);
            let strace = traced(lab, scenario, process, injection);
            process.signal(Signal::SIGCONT);
            (verb, strace)
        }
    };
    let outcome = verb.finish();
    settle(&outcome);
    detach(lab, strace);
    outcome
}

fn arguments(scenario: Scenario) -> Vec<&'static str> {
    let stop = match scenario.root {
        Root::Launcher => Some("first=kill:STOP"),
        Root::SessionLeader => Some("first=freeze_child:1"),
        Root::Daemon => Some("first=freeze_child:2"),
        Root::AllProcesses => Some("before=Detach:kill:STOP"),
        Root::RunningDaemon | Root::SignalThread => None,
    };
    let user = (scenario.verb == "start").then_some("user=65534");
    SETTINGS.into_iter().chain(stop).chain(user).collect()
}

/// Returns the processes of the helper program; strace belongs to the lab as well.
pub(crate) fn helper_processes(lab: &Lab) -> Vec<Process> {
    // A build meanwhile replaces the file, which `/proc` then marks as deleted.
    let is_lab = |path: PathBuf| Path::new(path.to_string_lossy().trim_end_matches(" (deleted)")) == lab.program();
    // The cheapest check comes first, since this is called often: most processes run another program.
    let ours = |process: &Process| process.program().is_some_and(is_lab) && lab.started(*process) && process.alive();
    Process::all().filter(ours).collect()
}

/// Reaps the daemons and session leaders that this process has adopted: thousands of zombies slow down every scan of
/// `/proc`. Its own children may still be waited for elsewhere; those are in its own session.
fn reap_adopted() {
    let this = Pid::this().as_raw();
    let Some(session) = Process::new(this).stat().map(|stat| stat.session) else { return };
    let adopted = |stat: Stat| stat.state == 'Z' && stat.parent == this && stat.session != session;
    for process in Process::all().filter(|process| process.stat().is_some_and(adopted)) {
        let _ = waitpid(Pid::from_raw(process.id()), Some(WaitPidFlag::WNOHANG));
    }
}

/// Waits for the process that has stopped itself.
fn stopped_process(lab: &Lab) -> Process {
    let is_stopped = |process: &Process| process.stat().is_some_and(|stat| stat.state == 'T');
    wait_until("no process stopped", || helper_processes(lab).into_iter().find(is_stopped))
}

fn signal_thread(daemon: Process) -> Process {
    wait_until("no thread for signals", || daemon.threads().into_iter().find(|thread| is_signal_thread(*thread)))
}

fn is_signal_thread(thread: Process) -> bool {
    thread.stat().is_some_and(|stat| stat.name.starts_with("daemon-signals"))
}

/// Attaches strace to a thread, or to a process that has one.
fn traced<'lab>(lab: &'lab Lab, scenario: Scenario, thread: Process, injection: &[&str]) -> Running<'lab> {
    let id = thread.id().to_string();
    let strace = lab.command("strace", &["-qq", "-e", "signal=none", "-o", "trace", "-p", &id]).args(injection);
    let strace = if scenario.follows() { strace.arg("-f") } else { strace };
    let strace = strace.within(VERB_TIMEOUT * 2).spawn();
    // strace interrupts a waiting call and restarts it, so a process to be killed at that call is dead by now.
    let attached = || !thread.alive() || thread.status("TracerPid").is_some_and(|tracer| tracer != "0");
    wait_until("strace did not attach", || attached().then_some(()));
    strace
}

/// Ends strace, which detaches from every process. strace exits by itself once all traced processes are gone; if it
/// were ended while their threads die, it could wait for them forever.
fn detach(lab: &Lab, strace: Running<'_>) {
    let signals = [None, Some(Signal::SIGTERM), Some(Signal::SIGKILL)];
    for signal in signals.into_iter().skip(helper_processes(lab).len().min(1)) {
        signal.inspect(|signal| strace.signal(*signal));
        let deadline = Deadline::after(Duration::from_secs(1));
        while strace.process().alive() && !deadline.passed() {
            thread::sleep(POLL_INTERVAL);
        }
    }
    strace.finish();
}

/// Waits for the work after the verb: the session leader exits, a failed start is undone, a daemon begins. The checks
/// reports anything that is unsettled at the deadline.
fn settle(lab: &Lab, point: &Point, outcome: &Outcome) {
    let deadline = Deadline::after(Duration::from_secs(4));
    let settled = || checks::may_stay(lab, point, outcome, &helper_processes(lab)) && is_idle(lab);
    while !settled() && !deadline.passed() {
        thread::sleep(POLL_INTERVAL);
    }
}

/// Returns `true` if every thread waits; one stopped by strace does not.
fn is_idle(lab: &Lab) -> bool {
    let asleep = |thread: Process| thread.stat().is_none_or(|stat| stat.state == 'S');
    helper_processes(lab).into_iter().all(|process| process.threads().into_iter().all(asleep))
}

/// Waits until no process is left, or one daemon that has completed its initialization: before that, a daemon makes
/// other calls than an idle one.
fn wait_until_initialized(lab: &Lab) {
    let whole = |daemon: &Process| daemon.threads().into_iter().any(is_signal_thread);
    let is_over = || helper_processes(lab).len() < 2 && helper_processes(lab).iter().all(whole) && is_idle(lab);
    wait_until("a start that does not come to rest", || is_over().then_some(()));
}

fn wait_until<T>(else_say: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::after(Duration::from_secs(5));
    while !deadline.passed() {
        if let Some(answer) = question() {
            return answer;
        }
        thread::sleep(POLL_INTERVAL);
    }
    panic!("{else_say}")
}

/// Returns `true` if the injected fault killed the verb's own process.
pub(crate) fn was_killed(point: &Point, outcome: &Outcome) -> bool {
    point.kind == Kind::Killed && outcome.code() == 137
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text").to_owned()
}
