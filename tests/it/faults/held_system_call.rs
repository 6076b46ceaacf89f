//! Holds a process at the entry of one system call, for as long as a test needs.
//!
//! strace puts a delay into the call that is longer than any test, and has written the beginning of the call into its
//! file when the process stands there: that is the event to wait for. When strace is killed, the kernel lets the process
//! go on as if nothing had been.

use std::time::Duration;

use look::{Deadline, Lab, Process, Run, Running};
use nix::sys::signal::Signal;

use crate::common::{SOON, needs};

/// Longer than any test, in microseconds.
const FOR_EVER: &str = "600000000";

/// Between two looks at what nobody tells: that a process has stopped, that it is traced.
const LOOK: Duration = Duration::from_millis(1);

/// The `nth` call of this name that a process makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub(crate) &'static str, pub(crate) usize);

/// A process under strace, on its way to the call at which it is kept.
#[derive(Debug)]
pub(crate) struct Hold<'lab> {
    lab: &'lab Lab,
    at: At,
    trace: String,
    /// The process, where that is known before it stands there.
    process: Option<Process>,
}

impl<'lab> Hold<'lab> {
    /// Runs `helper VERB …` under strace; it alone is traced. Returns when it stands at this call.
    pub(crate) fn on(lab: &'lab Lab, arguments: &[&str], at: At) -> (Running<'lab>, Held) {
        Self::among(lab, arguments, at, &[])
    }

    /// The same, where only calls about the file of this name count.
    pub(crate) fn on_file(lab: &'lab Lab, arguments: &[&str], at: At, file: &str) -> (Running<'lab>, Held) {
        Self::among(lab, arguments, at, &["-P", file])
    }

    fn among(lab: &'lab Lab, arguments: &[&str], at: At, options: &[&str]) -> (Running<'lab>, Held) {
        let mut hold = Hold { lab, at, trace: trace(at), process: None };
        // The helper stays our child (`-D`), so that its status and what is sent to it are its own.
        let running = hold.strace().args(["-D"]).args(options).arg(lab.program()).args(arguments).spawn();
        hold.process = Some(running.process());
        (running, hold.reached())
    }

    /// Attaches strace to a process that has stopped itself, and lets it go on to this call. Its children are not traced.
    pub(crate) fn stopped(lab: &'lab Lab, process: Process, at: At) -> Hold<'lab> {
        Self::process(lab, process, at, &[])
    }

    /// The same for the first of the process and its children that makes this call.
    pub(crate) fn family(lab: &'lab Lab, process: Process, at: At) -> Hold<'lab> {
        Self::process(lab, process, at, &["-f"])
    }

    /// Attaches strace, with these options, to a process that has stopped, and lets it go on.
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
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:delay_enter={FOR_EVER}:when={nth}"));
        let options = ["-qq", "-y", "-o", &self.trace, "-e", "signal=none", "-e", &trace, "-e", &inject];
        self.lab.command("strace", &options)
    }

    /// Waits until the process stands there.
    #[track_caller]
    pub(crate) fn reached(self) -> Held {
        let At(call, nth) = self.at;
        let begun = format!("{call}(");
        let stands = |trace: &str| trace.lines().filter(|line| line.contains(&begun)).count() >= nth;
        let trace = self.lab.wait_for(&self.trace, SOON, stands);
        let last = trace.lines().filter(|line| line.contains(&begun)).nth(nth - 1).unwrap_or_default();
        let named = last.split(' ').next().and_then(|pid| pid.parse().ok()).map(Process::new);
        let process = self.process.or(named);
        let process = process.unwrap_or_else(|| panic!("nobody stands at {:?}: {trace}", self.at));
        Held { process, tracer: tracer(process).expect("somebody who is kept is traced") }
    }
}

/// A test that fails leaves nobody behind whom strace delays: not even SIGKILL ends those before strace is dead.
impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.lab.processes().into_iter().filter_map(tracer).for_each(|tracer| tracer.signal(Signal::SIGKILL));
        }
    }
}

/// A process that stands at the entry of a system call until it is let go. A signal reaches it then, and if that is
/// SIGKILL, the call is not made.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) process: Process,
    tracer: Process,
}

impl Held {
    /// Lets it go on. Nothing is traced any more.
    pub(crate) fn release(&self) {
        self.tracer.signal(Signal::SIGKILL);
        self.tracer.died(SOON).expect("strace dies when it is killed");
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tracer.signal(Signal::SIGKILL);
        }
    }
}

/// Waits until a process has stopped (SIGSTOP, which looks different under strace), or is dead. The kernel tells nobody but its parent, so this looks.
#[track_caller]
pub(crate) fn until_stopped(process: Process) {
    look_until("it never stopped", || process.stat().is_none_or(|stat| matches!(stat.state, 'T' | 't' | 'Z' | 'X')));
}

/// The process that traces this one.
fn tracer(process: Process) -> Option<Process> {
    let pid = process.status("TracerPid")?.parse().ok()?;
    (pid != 0).then(|| Process::new(pid))
}

/// Every hold of a lab has a file of its own.
fn trace(At(call, nth): At) -> String {
    format!("held-{call}-{nth}")
}

/// Looks every millisecond, where there is no event to wait for.
#[track_caller]
pub(crate) fn look_until(else_say: &str, holds: impl Fn() -> bool) {
    let deadline = Deadline::after(SOON);
    while !holds() {
        assert!(!deadline.passed(), "{else_say}");
        std::thread::sleep(LOOK);
    }
}
