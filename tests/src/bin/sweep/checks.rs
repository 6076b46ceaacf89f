//! The checks after every run, and the violations that are accepted.

use std::time::Duration;

use look::{Deadline, Lab, Outcome, Process};

use crate::plan::{Kind, Point, Root};
use crate::properties::Properties;
use crate::trial::{self, TARGET_UID};

/// The state after a run.
pub(crate) struct Scene<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) point: &'a Point,
    pub(crate) outcome: Outcome,
    /// The daemon of an undisturbed run.
    pub(crate) usual: &'a Properties,
}

/// An accepted violation: known to be right, or outside of the library's control.
struct Accepted {
    when: fn(&Point) -> bool,
    /// An empty list means every call.
    calls: &'static [&'static str],
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// The verb reports success, and no daemon runs.
    NoDaemon,
    /// The verb reports success, and the pidfile is left.
    PidfileLeft,
    /// A failed start leaves a pidfile.
    Stale,
    /// A panic of the helper program's own `println!`.
    Printing,
    /// The daemon differs from the usual one.
    Differs,
}

const ACCEPTED: [Accepted; 8] = [
    // A daemon that is killed after a successful start is dead.
    Accepted {
        when: |point| point.kind == Kind::Killed && matches!(point.scenario.root, Root::Daemon | Root::AllProcesses),
        calls: &[],
        what: What::NoDaemon,
    },
    // Handlers are installed after GO was sent. If they cannot be installed, or if GO cannot be received, the daemon
    // exits in order rather than run without signals or unseen. No kernel fails these calls.
    Accepted { when: failed_call, calls: &["rt_sigaction", "recvfrom"], what: What::NoDaemon },
    // std exits a process whose new thread gets no signal stack; the signal thread is created after GO.
    Accepted { when: failed_call, calls: &["mmap", "mprotect"], what: What::NoDaemon },
    // The kernel claims to have removed the file and did not: the next start replaces it.
    Accepted { when: faked, calls: &["unlinkat"], what: What::PidfileLeft },
    // A process without the lock, or that cannot verify that the locked file is the pidfile, must not remove it.
    Accepted { when: failed_call, calls: &["flock", "newfstatat", "unlinkat"], what: What::Stale },
    // The library prints without panics; `println!` of a program does not.
    Accepted { when: failed_call, calls: &["write"], what: What::Printing },
    // No kernel fails these calls: the descriptor stays open, or the signal stays ignored.
    Accepted { when: failed_call, calls: &["close", "fcntl", "rt_sigaction"], what: What::Differs },
    // Without the right to drop the bounding set, the set stays, and `no_new_privs` makes it ineffective.
    Accepted { when: |point| point.kind == Kind::Failed("EPERM"), calls: &["prctl"], what: What::Differs },
];

fn failed_call(point: &Point) -> bool {
    matches!(point.kind, Kind::Failed(_))
}

fn faked(point: &Point) -> bool {
    matches!(point.kind, Kind::Faked(_))
}

/// Runs all checks; a panic is a finding.
pub(crate) fn check(scene: &Scene<'_>) {
    let Outcome { stderr, .. } = &scene.outcome;
    if stderr.contains("failed printing to") && accepted(scene, What::Printing) {
        return afterwards(scene);
    }
    assert!(!stderr.contains("panicked"), "a panic: {}", scene.outcome);
    if scene.outcome.code() == 0 {
        success(scene);
    } else {
        failure(scene);
    }
    privileges(scene);
    afterwards(scene);
}

fn accepted(scene: &Scene<'_>, what: What) -> bool {
    let call = scene.point.call.as_str();
    let of_the_call = |one: &&Accepted| one.calls.is_empty() || one.calls.contains(&call);
    ACCEPTED.iter().filter(of_the_call).any(|one| one.what == what && (one.when)(scene.point))
}

/// Checks that a success is true.
fn success(scene: &Scene<'_>) {
    let living = trial::helper_processes(scene.lab);
    if scene.point.scenario.verb == "stop" {
        assert!(living.is_empty(), "stopped, but {living:?} lives: {}", scene.outcome);
        let left = files_left(scene.lab);
        let may = left.is_empty() || accepted(scene, What::PidfileLeft);
        assert!(may, "stopped, but {left:?} is there: {}", scene.outcome);
        return;
    }
    if living.is_empty() && accepted(scene, What::NoDaemon) {
        return;
    }
    assert_eq!(living.len(), 1, "success with {living:?}: {}", scene.outcome);
    sealed(scene, living[0]);
    if !accepted(scene, What::Differs) {
        alike(scene, living[0]);
    }
}

/// Checks that the daemon is complete; a thread that could not be created at first may still come.
fn alike(scene: &Scene<'_>, daemon: Process) {
    let deadline = Deadline::after(Duration::from_secs(1));
    loop {
        let differences = Properties::of(scene.lab, daemon).differences(scene.usual);
        if differences.is_empty() {
            return;
        }
        assert!(!deadline.passed(), "half a success, {differences:?}: {}", scene.outcome);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns `true` if these processes may stay; otherwise the verb may still wait for a process that exits.
pub(crate) fn may_stay(lab: &Lab, point: &Point, outcome: &Outcome, living: &[Process]) -> bool {
    match living {
        [] => true,
        [daemon] => {
            let verb = point.scenario.verb;
            let may = if outcome.code() == 0 { verb != "stop" } else { at_most(point, outcome) == 1 };
            may && is_sealed(lab, *daemon)
        }
        _ => false,
    }
}

/// Returns the files of a pidfile that exist: the pidfile, its lock file, and the launcher's temporary file.
fn files_left(lab: &Lab) -> Vec<&'static str> {
    ["d.pid", "d.pid.lock", "d.pid.new", "d.last.new"].into_iter().filter(|name| lab.path(name).exists()).collect()
}

/// Returns the number of daemons that a failed verb may leave: the one that ran before, or one whose launcher was
/// killed too late.
fn at_most(point: &Point, outcome: &Outcome) -> usize {
    usize::from(point.scenario.verb != "start" || trial::was_killed(point, outcome))
}

/// Checks that the pidfile names this daemon, with its full identity.
fn sealed(scene: &Scene<'_>, daemon: Process) {
    let content = scene.lab.read("d.pid");
    let named = is_sealed(scene.lab, daemon);
    assert!(named, "{daemon:?} lives, and the pidfile holds {content:?}: {}", scene.outcome);
}

fn is_sealed(lab: &Lab, daemon: Process) -> bool {
    let content = lab.read("d.pid");
    let start = daemon.stat().map(|stat| format!("start={} ", stat.start)).unwrap_or_default();
    let lines: Vec<&str> = content.lines().collect();
    let named = lines.len() == 2 && lines[0] == daemon.id().to_string() && lines[1].starts_with(&start);
    named && content.ends_with('\n')
}

/// Checks that a failure has a cause, and leaves no more than there was before.
fn failure(scene: &Scene<'_>) {
    let outcome = &scene.outcome;
    let killed = trial::was_killed(scene.point, outcome);
    let verb = scene.point.scenario.verb;
    // `status` reports a daemon that does not run on standard output.
    let told = if verb == "status" { &outcome.stdout } else { &outcome.stderr };
    assert!(killed || !outcome.stderr.is_empty() || !told.is_empty(), "no cause: {outcome}");
    assert!(killed || outcome.code() < 128, "the verb's own process died: {outcome}");
    let living = trial::helper_processes(scene.lab);
    assert!(living.len() <= at_most(scene.point, outcome), "a failure with {living:?}: {outcome}");
    if verb == "status" && !killed && outcome.stderr.is_empty() {
        assert!(outcome.code() == 4, "the daemon runs, and the status says otherwise: {outcome}");
    }
    for daemon in &living {
        sealed(scene, *daemon);
    }
    // A launcher killed before the fork leaves an empty file, which the next start replaces.
    if living.is_empty() && !killed && matches!(verb, "start" | "restart") {
        let left = files_left(scene.lab);
        assert!(left.is_empty() || accepted(scene, What::Stale), "failed, but {left:?} is there: {outcome}");
    }
}

/// Checks that every process that lives after a `start` with a user has the ids of that user only.
fn privileges(scene: &Scene<'_>) {
    if scene.point.scenario.verb != "start" {
        return;
    }
    for ids in trial::helper_processes(scene.lab).into_iter().filter_map(Process::ids) {
        let all = ids.users.iter().chain(&ids.groups).chain(&ids.supplementary);
        assert!(all.into_iter().all(|id| *id == TARGET_UID), "half-privileged: {ids:?}: {}", scene.outcome);
    }
}

/// Checks that a plain start and a plain stop work, and leave nothing.
fn afterwards(scene: &Scene<'_>) {
    let before = trial::helper_processes(scene.lab);
    let next = scene.lab.run(&["start", "pidfile=d.pid"]);
    // A process that was exiting may be gone by now.
    let alone = !before.iter().any(|process| process.alive());
    let right = (next.code() == 0 && alone) || (next.code() == 3 && !before.is_empty());
    assert!(right, "the next start, beside {before:?}: {next}\nafter: {}", scene.outcome);
    let stop = scene.lab.run(&["stop", "pidfile=d.pid"]);
    assert_eq!(stop.code(), 0, "the next stop: {stop}\nafter: {}", scene.outcome);
    let quiet = scene.lab.quiet(Duration::from_secs(5)).is_ok();
    assert!(quiet, "left after the next stop: {:?}\nafter: {}", scene.lab.processes(), scene.outcome);
    let left = files_left(scene.lab);
    assert!(left.is_empty(), "{left:?} after the next stop\nafter: {}", scene.outcome);
}
