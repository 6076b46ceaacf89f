//! The steps of a launch: how a start is brought to each of them and kept there, and what becomes of it when one of its
//! three processes is killed or stopped just then.

use look::{Deadline, Lab, Process, Running};
use nix::sys::signal::Signal;

use crate::common::{PIDFILE, SOON, nothing_left, start, stop};
use crate::faults::held_system_call::{At, Held, Hold, look_until, until_stopped};

/// Who is kept at a step, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Launcher(At),
    Middle(At),
    Daemon(At),
    /// The daemon waits in this hook.
    Hook(&'static str),
    /// The daemon waits in its body, before it says that it is ready.
    Body,
}

/// How far a launch has come; it decides what may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// There is only the launcher.
    Alone,
    /// Launcher and middle.
    Two,
    /// The daemon is not ready yet.
    Early,
    /// It was ready, and the middle still watches over it.
    Ready,
    /// The middle has gone; the daemon has not been told to go.
    Released,
    /// It has.
    Begun,
}

/// What a process does first behind a fork (glibc does it): the middle has no session yet.
const FIRST: At = At("set_robust_list", 1);

/// One step of a launch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step(pub(crate) Place, pub(crate) Phase);

/// All of them, in their order. Messages are counted per process: the launcher sends WRITTEN, RELEASE and GO; the
/// session leader sends FORKED and RELEASED; the daemon receives WRITTEN, sends READY and receives GO.
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

/// A start that is kept at one step.
pub(crate) struct Scene<'lab> {
    lab: &'lab Lab,
    step: Step,
    pub(crate) launch: Running<'lab>,
    held: Option<Held>,
}

impl<'lab> Scene<'lab> {
    /// Starts, and waits until the start stands at this step. The body begins behind GO, unless the settings say otherwise;
    /// with `ready=auto`, what it does behind its first look does.
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
            // GO is said, whether it is heard or not, when the launcher has gone.
            let gone = look::first_death(&[launch.process().id()], Deadline::after(SOON));
            gone.expect("a launcher that has said GO goes");
        }
        if matches!(step, Step(Place::Middle(_), Phase::Begun)) {
            // The middle goes before the daemon does: it is seen to have been told.
            lab.wait_for("working", SOON, |note| note.ends_with('\n'));
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

    /// Kills this one before it makes the call it is kept at, and waits until it is dead.
    pub(crate) fn kill(&self, victim: Victim) {
        let process = self.process(victim);
        process.signal(Signal::SIGKILL);
        self.release_if_kept(victim);
        // Whether it is reaped is its parent's matter.
        look_until("SIGKILL does not kill it", || !process.alive());
        // Its descriptors are closed by its last thread, which may not be the first one.
        let tasks = format!("/proc/{}/task", process.id());
        look_until("a thread of it lives on", || std::fs::read_dir(&tasks).map_or(0, Iterator::count) <= 1);
    }

    /// Stops this one for good, behind the call it is kept at.
    pub(crate) fn freeze(&self, victim: Victim) {
        let process = self.process(victim);
        process.signal(Signal::SIGSTOP);
        self.release_if_kept(victim);
        until_stopped(process);
    }

    /// Lets go of whoever is kept, unless that is (or was) this one.
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

    /// Lets go of whoever is kept.
    pub(crate) fn release(&self) {
        match &self.held {
            Some(held) => held.release(),
            None => drop(self.lab.write("go", "")),
        }
    }

    /// Whether strace keeps this one.
    pub(crate) fn is_kept(&self, victim: Victim) -> bool {
        let keeps = matches!(
            (self.step.0, victim),
            (Place::Launcher(_), Victim::Launcher)
                | (Place::Middle(_), Victim::Middle)
                | (Place::Daemon(_), Victim::Daemon)
        );
        keeps && self.held.is_some()
    }

    /// Waits until the daemon waits for the launcher's word.
    pub(crate) fn wait_for_the_daemon_to_wait(&self) {
        let (daemon, _) = born(self.lab);
        look_until("the daemon does not wait for GO", || call(daemon) == Some(libc::SYS_recvfrom));
    }
}

/// A middle that is kept at this call. It is stopped behind its first one, so that it alone is traced from there on.
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

/// The daemon and the middle, as the first hook behind the second fork has noted them.
pub(crate) fn born(lab: &Lab) -> (Process, Process) {
    let note = lab.wait_for("born", SOON, |note| note.ends_with('\n'));
    let mut pids = note.split_whitespace().filter_map(|word| word.parse().ok()).map(Process::new);
    (pids.next().expect("the daemon"), pids.next().expect("the middle"))
}

/// The number of the system call that a process waits in.
fn call(process: Process) -> Option<i64> {
    let line = std::fs::read_to_string(format!("/proc/{}/syscall", process.id())).ok()?;
    line.split(' ').next()?.parse().ok()
}

/// A start, a stop, and nothing is left: whatever was before, nobody has to clean up by hand.
pub(crate) fn the_next_works(lab: &Lab) {
    start(lab, &[]);
    stop(lab);
    nothing_left(lab);
}

/// Asserts that exactly this daemon lives, whole: it works, and the pidfile is its own.
pub(crate) fn is_whole(lab: &Lab) {
    lab.wait_for("working", SOON, |note| note.ends_with('\n'));
    let (daemon, _) = born(lab);
    look_until("somebody else is left", || lab.processes() == [daemon]);
    assert_eq!(lab.daemon(PIDFILE), daemon);
    stop(lab);
    nothing_left(lab);
}
