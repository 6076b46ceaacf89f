//! Holds a process at the entry of one system call, for as long as a test needs.
//!
//! strace delays the call for longer than any test runs, and writes the beginning of the call into its file when the
//! process arrives: that is the event to wait for. When strace is killed, the kernel continues the process undisturbed.

use std::cell::Cell;
use std::time::Duration;

use look::{Deadline, Lab, Process, Run, Running};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, needs};

/// Exceeds the run time of any test, in microseconds.
const INJECTED_DELAY: &str = "600000000";

/// The interval at which states are polled that raise no event: a process has stopped, or is traced.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The `nth` call of this name by a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub(crate) &'static str, pub(crate) usize);

/// A process under strace that has not reached its call yet.
#[derive(Debug)]
pub(crate) struct Hold<'lab> {
    lab: &'lab Lab,
    at: At,
    trace: String,
    /// The process, if it is known in advance.
    process: Option<Process>,
}

impl<'lab> Hold<'lab> {
    /// Runs `helper VERB …` under strace, without its children. Returns when it has reached this call.
    pub(crate) fn on(lab: &'lab Lab, arguments: &[&str], at: At) -> (Running<'lab>, Held) {
        Self::among(lab, arguments, at, &[])
    }

    /// Does the same, counting only calls on the file of this name.
    pub(crate) fn on_file(lab: &'lab Lab, arguments: &[&str], at: At, file: &str) -> (Running<'lab>, Held) {
        Self::among(lab, arguments, at, &["-P", file])
    }

    fn among(lab: &'lab Lab, arguments: &[&str], at: At, options: &[&str]) -> (Running<'lab>, Held) {
        let mut hold = Hold { lab, at, trace: trace(at), process: None };
        // The helper stays a child of this process (`-D`), which receives its status and can signal it.
        let running = hold.strace().args(["-D"]).args(options).arg(lab.program()).args(arguments).spawn();
        hold.process = Some(running.process());
        (running, hold.reached())
    }

    /// Attaches strace to a process that has stopped itself, and continues it to this call. Its children are not
    /// traced.
    pub(crate) fn stopped(lab: &'lab Lab, process: Process, at: At) -> Hold<'lab> {
        Self::process(lab, process, at, &[])
    }

    /// Does the same for the first of the process and its children that makes this call.
    pub(crate) fn family(lab: &'lab Lab, process: Process, at: At) -> Hold<'lab> {
        Self::process(lab, process, at, &["-f"])
    }

    /// Attaches strace, with these options, to a process that has stopped, and continues it.
    pub(crate) fn process(lab: &'lab Lab, process: Process, at: At, options: &[&str]) -> Hold<'lab> {
        until_stopped(process);
        let alone = !options.contains(&"-f");
        let hold = Hold { lab, at, trace: trace(at), process: alone.then_some(process) };
        hold.strace().args(options).args(["-p", &process.id().to_string()]).spawn();
        let attached = |thread: Process| tracer(thread).is_some();
        look_until("strace did not attach", || process.threads().into_iter().all(attached));
        process.signal(Signal::SIGCONT);
        hold
    }

    fn strace(&self) -> Run<'lab> {
        let At(call, nth) = self.at;
        needs(&["strace"]);
        let (trace, inject) =
            (format!("trace={call}"), format!("inject={call}:delay_enter={INJECTED_DELAY}:when={nth}"));
        let options = ["-qq", "-y", "-o", &self.trace, "-e", "signal=none", "-e", &trace, "-e", &inject];
        self.lab.command("strace", &options)
    }

    /// Waits until the process has reached the call.
    #[track_caller]
    pub(crate) fn reached(self) -> Held {
        let At(call, nth) = self.at;
        let begun = format!("{call}(");
        let stands = |trace: &str| trace.lines().filter(|line| line.contains(&begun)).count() >= nth;
        let trace = self.lab.wait_for(&self.trace, EVENT_TIMEOUT, stands);
        let last = trace.lines().filter(|line| line.contains(&begun)).nth(nth - 1).unwrap_or_default();
        let named = last.split(' ').next().and_then(|pid| pid.parse().ok()).map(Process::new);
        let process = self.process.or(named);
        let process = process.unwrap_or_else(|| panic!("no process is at {:?}: {trace}", self.at));
        Held { process, tracer: tracer(process).expect("a held process is traced") }
    }
}

/// A failed test must leave no process delayed by strace: even SIGKILL does not end it before strace is dead.
impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.lab.processes().into_iter().filter_map(tracer).for_each(|tracer| tracer.signal(Signal::SIGKILL));
        }
    }
}

/// A process held at the entry of a system call until it is released. It then receives pending signals; after SIGKILL,
/// the call is not made.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) process: Process,
    tracer: Process,
}

impl Held {
    /// Releases the process, which is not traced any more.
    pub(crate) fn release(&self) {
        self.tracer.signal(Signal::SIGKILL);
        self.tracer.died(EVENT_TIMEOUT).expect("strace dies when it is killed");
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tracer.signal(Signal::SIGKILL);
        }
    }
}

/// Waits until a process has stopped (SIGSTOP, which looks different under strace), or is dead. The kernel notifies
/// only its parent, so this polls.
#[track_caller]
pub(crate) fn until_stopped(process: Process) {
    let polls_at_rest = Cell::new(0);
    let is_stopped = || match process.stat().map(|stat| stat.state) {
        None | Some('T' | 'Z' | 'X') => true,
        // Before SIGSTOP is delivered, a traced process looks the same (`ptrace(2)`), and it would continue if strace were
        // killed then: strace has to have passed the signal on, and to wait for the next event.
        Some('t') => {
            let at_rest = tracer(process).is_none_or(waits_for_events);
            polls_at_rest.set(if at_rest { polls_at_rest.get() + 1 } else { 0 });
            polls_at_rest.get() >= 3
        }
        Some(_) => false,
    };
    look_until("it never stopped", is_stopped);
}

/// Returns `true` if strace waits for the next event of the processes that it traces.
fn waits_for_events(strace: Process) -> bool {
    let call = std::fs::read_to_string(format!("/proc/{}/syscall", strace.id())).unwrap_or_default();
    call.split(' ').next() == Some(&libc::SYS_wait4.to_string())
}

/// Returns the process that traces this one.
fn tracer(process: Process) -> Option<Process> {
    let pid = process.status("TracerPid")?.parse().ok()?;
    (pid != 0).then(|| Process::new(pid))
}

/// Returns the trace file of a hold; each has its own.
fn trace(At(call, nth): At) -> String {
    format!("held-{call}-{nth}")
}

/// Polls every millisecond, where there is no event to wait for.
#[track_caller]
pub(crate) fn look_until(else_say: &str, holds: impl Fn() -> bool) {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while !holds() {
        assert!(!deadline.passed(), "{else_say}");
        std::thread::sleep(POLL_INTERVAL);
    }
}
