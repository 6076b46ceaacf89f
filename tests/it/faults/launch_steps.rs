//! The steps of a launch: how a start is held at each of them, and the effect of killing or stopping one of its three
//! processes there.

use look::{Deadline, Lab, Process, Running};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, nothing_left, start, stop};
use crate::faults::held_system_call::{At, Held, Hold, look_until, until_stopped};

/// The process that is held at a step, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Launcher(At),
    Middle(At),
    Daemon(At),
    /// The daemon waits in this hook.
    Hook(&'static str),
    /// The daemon waits in its body, before it is ready.
    Body,
}

/// The progress of a launch, which decides what may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Only the launcher exists.
    Alone,
    /// Launcher and session leader exist.
    Two,
    /// The daemon is not ready yet.
    Early,
    /// The daemon was ready, and the session leader still watches it.
    Ready,
    /// The session leader has exited; the daemon has not received GO.
    Released,
    /// The daemon has received GO.
    Begun,
}

/// The first call of a process after a fork (made by glibc): the session leader has no session yet.
const FIRST: At = At("set_robust_list", 1);

/// One step of a launch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step(pub(crate) Place, pub(crate) Phase);

/// All steps, in their order. Messages are counted per process: the launcher sends WRITTEN, RELEASE and GO; the session
/// leader sends FORKED and RELEASED; the daemon receives WRITTEN, sends READY and receives GO.
pub(crate) const STEPS: [Step; 28] = [
    Step(Place::Launcher(At("clone", 1)), Phase::Alone),
    Step(Place::Middle(FIRST), Phase::Two),
    Step(Place::Middle(At("setsid", 1)), Phase::Two),
    Step(Place::Middle(At("clone", 1)), Phase::Two),
    Step(Place::Middle(At("sendto", 1)), Phase::Early),
    Step(Place::Middle(At("pidfd_open", 1)), Phase::Early),
    Step(Place::Launcher(At("renameat", 1)), Phase::Early),
    Step(Place::Launcher(At("sendto", 1)), Phase::Early),
    Step(Place::Hook("after=Detach"), Phase::Early),
    Step(Place::Hook("before=CoreDumps"), Phase::Early),
    Step(Place::Hook("before=Identity"), Phase::Early),
    Step(Place::Hook("before=Umask"), Phase::Early),
    Step(Place::Hook("before=WorkingDirectory"), Phase::Early),
    Step(Place::Hook("before=PidFile"), Phase::Early),
    Step(Place::Hook("before=Signals"), Phase::Early),
    Step(Place::Hook("before=Descriptors"), Phase::Early),
    Step(Place::Hook("before=Stdio"), Phase::Early),
    Step(Place::Hook("after=Stdio"), Phase::Early),
    Step(Place::Body, Phase::Early),
    Step(Place::Daemon(At("sendto", 1)), Phase::Early),
    Step(Place::Launcher(At("sendto", 2)), Phase::Ready),
    Step(Place::Middle(At("sendto", 2)), Phase::Ready),
    Step(Place::Launcher(At("sendto", 3)), Phase::Released),
    Step(Place::Middle(At("exit_group", 1)), Phase::Begun),
    Step(Place::Daemon(At("recvfrom", 2)), Phase::Begun),
    Step(Place::Launcher(At("pidfd_open", 1)), Phase::Begun),
    Step(Place::Daemon(At("clone3", 1)), Phase::Begun),
    Step(Place::Launcher(At("exit_group", 1)), Phase::Begun),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Launcher,
    Middle,
    Daemon,
}

/// A start that is held at one step.
pub(crate) struct Scene<'lab> {
    lab: &'lab Lab,
    step: Step,
    pub(crate) launch: Running<'lab>,
    held: Option<Held>,
}

impl<'lab> Scene<'lab> {
    /// Starts, and waits until the start has reached this step. The body begins after GO, unless the settings say
    /// otherwise; with `ready=auto`, only the part after its first look does.
    pub(crate) fn at(lab: &'lab Lab, step: Step, settings: &[&str]) -> Scene<'lab> {
        let (hook, body) = match step.0 {
            Place::Hook(hook) => (format!("{hook}:note:born,await:go"), "body=ask,note:working,idle"),
            Place::Daemon(_) => ("after=Detach:note_and_freeze:born".into(), "body=ask,note:working,idle"),
            Place::Body => ("after=Detach:".into(), "body=note:born,await:go,ready,note:working,idle"),
            _ => ("after=Detach:note:born".into(), "body=ask,note:working,idle"),
        };
        let ready = if matches!(step.0, Place::Body) { "ready=manual" } else { "ready=entered" };
        let arguments = [&["start", "pidfile=d.pid", ready, &hook, body], settings].concat();
        let (launch, held) = match step.0 {
            Place::Launcher(at) => {
                let (launch, held) = Hold::on(lab, &arguments, at);
                (launch, Some(held))
            }
            Place::Middle(at) => kept_middle(lab, &arguments, at),
            Place::Daemon(at) => {
                let launch = lab.helper(&arguments).spawn();
                let held = Hold::stopped(lab, born(lab).0, at).reached();
                (launch, Some(held))
            }
            Place::Hook(_) | Place::Body => (lab.helper(&arguments).spawn(), None),
        };
        if step.1 >= Phase::Early {
            born(lab);
        }
        if matches!(step, Step(Place::Daemon(_), Phase::Begun)) {
            // GO is sent, received or not, once the launcher has exited.
            let gone = look::first_death(&[launch.process().id()], Deadline::after(EVENT_TIMEOUT));
            gone.expect("a launcher that has said GO goes");
        }
        if matches!(step, Step(Place::Middle(_), Phase::Begun)) {
            // The session leader exits before the daemon receives GO: the note shows that it has.
            lab.wait_for("working", EVENT_TIMEOUT, |note| note.ends_with('\n'));
        }
        Scene { lab, step, launch, held }
    }

    pub(crate) fn process(&self, victim: Victim) -> Process {
        match (victim, self.step) {
            (Victim::Launcher, _) => self.launch.process(),
            (Victim::Middle, Step(Place::Middle(_), _)) => self.held.as_ref().expect("it is kept").process,
            (Victim::Middle, _) => born(self.lab).1,
            (Victim::Daemon, _) => born(self.lab).0,
        }
    }

    /// Kills a process before it makes the call at which it is held, and waits until it is dead.
    pub(crate) fn kill(&self, victim: Victim) {
        let process = self.process(victim);
        process.signal(Signal::SIGKILL);
        self.release_if_kept(victim);
        // Its parent reaps it, or not.
        look_until("SIGKILL does not kill it", || !process.alive());
        // The last thread closes the descriptors, which may not be the first one.
        let tasks = format!("/proc/{}/task", process.id());
        look_until("a thread of it lives on", || std::fs::read_dir(&tasks).map_or(0, Iterator::count) <= 1);
    }

    /// Stops a process for good, after the call at which it is held.
    pub(crate) fn freeze(&self, victim: Victim) {
        let process = self.process(victim);
        process.signal(Signal::SIGSTOP);
        self.release_if_kept(victim);
        until_stopped(process);
    }

    /// Releases the held process, unless it is (or was) this one.
    pub(crate) fn release_unless_kept(&self, victim: Victim) {
        if !self.is_kept(victim) {
            self.release();
        }
    }

    fn release_if_kept(&self, victim: Victim) {
        if self.is_kept(victim) {
            self.release();
        }
    }

    /// Releases the held process.
    pub(crate) fn release(&self) {
        match &self.held {
            Some(held) => held.release(),
            None => drop(self.lab.write("go", "")),
        }
    }

    /// Returns `true` if strace holds this process.
    pub(crate) fn is_kept(&self, victim: Victim) -> bool {
        let keeps = matches!(
            (self.step.0, victim),
            (Place::Launcher(_), Victim::Launcher)
                | (Place::Middle(_), Victim::Middle)
                | (Place::Daemon(_), Victim::Daemon)
        );
        keeps && self.held.is_some()
    }

    /// Waits until the daemon waits for the launcher's message.
    pub(crate) fn wait_for_the_daemon_to_wait(&self) {
        let (daemon, _) = born(self.lab);
        look_until("the daemon does not wait for GO", || call(daemon) == Some(libc::SYS_recvfrom));
    }
}

/// Starts a launch whose session leader is held at this call. It is stopped after its first call, so that only it is
/// traced from there on.
fn kept_middle<'lab>(lab: &'lab Lab, arguments: &[&str], at: At) -> (Running<'lab>, Option<Held>) {
    let launch = lab.helper(arguments).arg("before=Detach:kill:STOP").spawn();
    let held = Hold::family(lab, launch.process(), FIRST).reached();
    if at == FIRST {
        return (launch, Some(held));
    }
    held.process.signal(Signal::SIGSTOP);
    held.release();
    let held = Hold::stopped(lab, held.process, at).reached();
    (launch, Some(held))
}

/// Returns the daemon and the session leader, as noted by the first hook after the second fork.
pub(crate) fn born(lab: &Lab) -> (Process, Process) {
    let note = lab.wait_for("born", EVENT_TIMEOUT, |note| note.ends_with('\n'));
    let mut pids = note.split_whitespace().filter_map(|word| word.parse().ok()).map(Process::new);
    (pids.next().expect("the daemon"), pids.next().expect("the middle"))
}

/// Returns the number of the system call in which a process waits.
fn call(process: Process) -> Option<i64> {
    let line = std::fs::read_to_string(format!("/proc/{}/syscall", process.id())).ok()?;
    line.split(' ').next()?.parse().ok()
}

/// Starts, stops, and asserts that nothing is left: no manual cleanup is needed.
pub(crate) fn the_next_works(lab: &Lab) {
    start(lab, &[]);
    stop(lab);
    nothing_left(lab);
}

/// Asserts that exactly this daemon lives, works, and owns the pidfile.
pub(crate) fn is_whole(lab: &Lab) {
    lab.wait_for("working", EVENT_TIMEOUT, |note| note.ends_with('\n'));
    let (daemon, _) = born(lab);
    look_until("another process is left", || lab.processes() == [daemon]);
    assert_eq!(lab.daemon(PIDFILE), daemon);
    stop(lab);
    nothing_left(lab);
}
