//! The rules of a launch, L1 to L15 (`docs/rules.md`), at each of its steps: launcher, session leader and daemon are
//! killed, stopped for good and terminated, one at a time, and the reaction of the others is checked.
//!
//! A quick run takes some of the steps for each, `DAEMON_TESTS_FULL=1` all of them.

use std::time::{Duration, Instant};

use look::{Deadline, Outcome};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, each, lab, nothing_left, run, times};
use crate::faults::held_system_call::At;
use crate::faults::launch_steps::{Phase, Place, STEPS, Scene, Step, Victim, born, is_whole, the_next_works};
use crate::readiness::whole_or_nothing;

/// The timeout of a start that should reach it; any other start has a timeout longer than any test.
const SHORT_START_TIMEOUT: &str = "start_timeout=2000";
const LONG_START_TIMEOUT: &str = "start_timeout=60000";

/// Runs `work` at the steps that it applies to, each with `ready = entered` and `ready = auto`: at `quick` of them, or
/// at all.
fn at_steps(quick: usize, meant: impl Fn(Step) -> bool, work: impl Fn(Step, &'static str) + Sync) {
    let modes = |step: Step| match step.0 {
        Place::Body => vec![(step, "ready=manual")],
        // With `auto`, the thread is created before the body runs.
        Place::Daemon(At("clone3", _)) => vec![(step, "ready=entered")],
        _ => vec![(step, "ready=entered"), (step, "ready=auto")],
    };
    let steps = STEPS.into_iter().filter(|step| meant(*step)).flat_map(modes);
    // An odd step width covers both modes.
    each(steps.step_by(times(2 * quick - 1, 1)), |(step, ready)| work(step, ready));
}

/// Asserts that the start has failed, in time and with its cause, and that nothing is left of it.
fn is_undone(step: Step, lab: &look::Lab, outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.code(), 2, "{step:?}: {outcome}");
    assert!(words.iter().any(|words| outcome.stderr.contains(words)), "{step:?}: {outcome}");
    assert!(outcome.took < EVENT_TIMEOUT, "{step:?}: {outcome}");
    nothing_left(lab);
    assert!(!lab.path("working").exists(), "{step:?}: a body ran, and no success was reported");
}

/// Returns `true` if the launcher exists, and stays until it is released.
fn has_a_launcher(step: Step) -> bool {
    !matches!(step, Step(Place::Daemon(_), Phase::Begun))
}

/// Returns `true` if the session leader exists and has work left.
fn has_a_middle(step: Step) -> bool {
    matches!(step.1, Phase::Two | Phase::Early | Phase::Ready) || matches!(step.0, Place::Middle(_))
}

/// Returns `true` if no process waits here for an answer that is due within a second, so that a test need not hurry.
fn has_time(step: Step) -> bool {
    !matches!(step.0, Place::Middle(At("pidfd_open" | "sendto", _)))
}

fn launcher_ends(step: Step, ready: &str, signal: Signal) {
    let lab = lab();
    let scene = Scene::at(&lab, step, &[LONG_START_TIMEOUT, ready]);
    let killed = signal == Signal::SIGKILL;
    if killed {
        scene.kill(Victim::Launcher);
    } else {
        scene.process(Victim::Launcher).signal(signal);
    }
    let told = Instant::now();
    let itself = scene.is_kept(Victim::Launcher);
    if !killed || !itself {
        scene.release();
    }
    let outcome = scene.launch.finish();
    // After GO, the launch may have completed before the signal.
    assert!(outcome.code() == 128 + signal as i32 || step.1 == Phase::Begun, "{step:?}, {signal}: {outcome}");
    let whole = match step.1 {
        Phase::Begun => true,
        // A blocked signal waits until the launcher waits, which has sent GO by then.
        Phase::Released => !killed,
        // The launcher does not notice the signal if the session leader's answer is there first.
        Phase::Ready if itself && !killed => whole_or_nothing(&lab).expect("neither undone nor whole"),
        _ => false,
    };
    if whole {
        is_whole(&lab);
    } else if step.1 == Phase::Alone && killed {
        // No process was left to remove the file.
        assert!(lab.processes().is_empty() && lab.path(PIDFILE).exists() && lab.read(PIDFILE).is_empty(), "{step:?}");
    } else {
        nothing_left(&lab);
        let took = told.elapsed();
        assert!(took < Duration::from_secs(2), "{step:?}, {signal}: undone after {took:?}");
        assert!(!lab.path("working").exists(), "{step:?}, {signal}: a body ran, and no success was reported");
    }
    the_next_works(&lab);
}

/// Promise 1.25. L14: a launcher that dies leaves nothing, unless GO was sent. L8: its death is EOF. L13: until then
/// the session leader cleans up, and the daemon does once the session leader has exited (L5).
#[test]
fn launcher_killed_at_any_step_leaves_nothing_or_a_daemon() {
    at_steps(2, has_a_launcher, |step, ready| launcher_ends(step, ready, Signal::SIGKILL));
}

/// Promise 1.25. L1: signals are blocked around the fork, and unblocked while the launcher waits.
#[test]
fn launcher_interrupted_at_any_step_leaves_nothing_or_a_daemon() {
    at_steps(2, has_a_launcher, |step, ready| launcher_ends(step, ready, Signal::SIGINT));
    at_steps(3, has_a_launcher, |step, ready| launcher_ends(step, ready, Signal::SIGHUP));
}

/// Promise 1.25. L5: the daemon waits for GO without a limit. L6: READY is read before anything else.
#[test]
fn launcher_stopped_at_any_step_continues_unaffected() {
    let meant = |step| has_a_launcher(step) && has_time(step);
    at_steps(2, meant, |step, ready| {
        let lab = lab();
        let scene = Scene::at(&lab, step, &[LONG_START_TIMEOUT, ready]);
        scene.freeze(Victim::Launcher);
        scene.release_unless_kept(Victim::Launcher);
        // A launcher stopped after GO has sent it; one that is stopped in a fork restarts the call.
        if (Phase::Two..Phase::Released).contains(&step.1) {
            scene.wait_for_the_daemon_to_wait();
            assert!(!lab.path("working").exists(), "{step:?}: a body runs, and no success was reported");
        }
        scene.process(Victim::Launcher).signal(Signal::SIGCONT);
        let outcome = scene.launch.finish();
        assert_eq!(outcome.code(), 0, "{step:?}: {outcome}");
        is_whole(&lab);
        the_next_works(&lab);
    });
}

fn middle_ends(step: Step, ready: &str, frozen: bool) {
    let lab = lab();
    let never_ready = frozen && step.1 == Phase::Two;
    let scene = Scene::at(&lab, step, &[if never_ready { SHORT_START_TIMEOUT } else { LONG_START_TIMEOUT }, ready]);
    if frozen {
        scene.freeze(Victim::Middle);
    } else {
        scene.kill(Victim::Middle);
    }
    scene.release_unless_kept(Victim::Middle);
    // After its answer the session leader is not needed any more, unless this machine took more than a second to
    // deliver it.
    let answered = frozen && step.1 == Phase::Ready && scene.is_kept(Victim::Middle);
    let outcome = scene.launch.finish();
    if step.1 == Phase::Begun || answered && outcome.code() == 0 {
        assert_eq!(outcome.code(), 0, "{step:?}: {outcome}");
        is_whole(&lab);
    } else {
        let words = if never_ready { "not ready within" } else { "died before it was ready" };
        is_undone(step, &lab, &outcome, &[words]);
    }
    the_next_works(&lab);
}

/// Promise 1.08. L10: without a session leader there is no verdict, and the launcher cleans up: its group, its daemon,
/// its file. L3: the daemon dies with the session leader.
#[test]
fn launcher_cleans_up_for_session_leader_killed_at_any_step() {
    at_steps(2, has_a_middle, |step, ready| middle_ends(step, ready, false));
}

/// Promise 1.08. L7, L10: a session leader that does not answer has a second. L11: one that does not exit after its
/// answer is killed alone. L13: the launcher cleans up if the session leader does not.
#[test]
fn launcher_cleans_up_for_session_leader_stopped_at_any_step() {
    at_steps(4, has_a_middle, |step, ready| middle_ends(step, ready, true));
}

/// Promise 1.08. L9, L12: the session leader sees the death and reports its cause, even if RELEASE is there as well.
/// L7: a daemon that does not receive GO is a failure.
#[test]
fn daemon_killed_at_any_step_before_go_fails_the_start() {
    let has_a_daemon = |step: Step| step.1 >= Phase::Early;
    at_steps(2, has_a_daemon, |step, ready| {
        let lab = lab();
        let scene = Scene::at(&lab, step, &[LONG_START_TIMEOUT, ready]);
        scene.kill(Victim::Daemon);
        scene.release_unless_kept(Victim::Daemon);
        let outcome = scene.launch.finish();
        if step.1 < Phase::Begun {
            is_undone(
                step,
                &lab,
                &outcome,
                &["killed by signal 9 (SIGKILL) before it was ready", "died before it was ready"],
            );
        } else {
            // The start was a success, and the file is that of a dead daemon.
            assert_eq!(outcome.code(), 0, "{step:?}: {outcome}");
            lab.quiet(EVENT_TIMEOUT).expect("no process left");
            assert_eq!(lab.daemon(PIDFILE), born(&lab).0, "{step:?}");
            run(&lab, "status", &[]).exits(1);
        }
        the_next_works(&lab);
    });
}

/// Promise 1.08. L8: the launcher's deadline applies to the daemon too: EOF makes the session leader kill it.
#[test]
fn daemon_stopped_at_any_step_is_unready_or_works_later() {
    let meant = |step: Step| step.1 >= Phase::Early && has_time(step);
    at_steps(5, meant, |step, ready| {
        let lab = lab();
        // A daemon stopped after READY has sent it.
        let early = step.1 == Phase::Early && !matches!(step.0, Place::Daemon(_));
        let scene = Scene::at(&lab, step, &[if early { SHORT_START_TIMEOUT } else { LONG_START_TIMEOUT }, ready]);
        scene.freeze(Victim::Daemon);
        scene.release_unless_kept(Victim::Daemon);
        let daemon = scene.process(Victim::Daemon);
        let outcome = scene.launch.finish();
        if early {
            is_undone(step, &lab, &outcome, &["not ready within"]);
        } else {
            assert_eq!(outcome.code(), 0, "{step:?}: {outcome}");
            daemon.signal(Signal::SIGCONT);
            is_whole(&lab);
        }
        the_next_works(&lab);
    });
}

/// Promise 1.15. L3, L4: a stop signal before READY stays pending until then, and the start fails; a later one ends the
/// daemon, and the start was a success.
#[test]
fn sigterm_at_any_step_ends_the_start_or_the_daemon() {
    let meant = |step: Step| step.1 >= Phase::Early && has_time(step);
    at_steps(3, meant, |step, ready| {
        if ready == "ready=auto" {
            // A body that begins before READY receives the signal itself: see `readiness_matrix`.
            return;
        }
        let lab = lab();
        let scene = Scene::at(&lab, step, &[LONG_START_TIMEOUT, ready]);
        scene.process(Victim::Daemon).signal(Signal::SIGTERM);
        scene.release();
        let outcome = scene.launch.finish();
        // A process that is at READY has checked for the last time.
        let looked = matches!(step.0, Place::Daemon(_));
        if step.1 == Phase::Early && !looked {
            is_undone(step, &lab, &outcome, &["stopped while starting"]);
        } else {
            assert_eq!(outcome.code(), 0, "{step:?}: {outcome}");
            nothing_left(&lab);
        }
        the_next_works(&lab);
    });
}

/// Promise 1.08. L10: the wait for the session leader's end has a deadline as well: one that cannot die (strace holds
/// it in its exit, as a disk without answer would) does not block the launcher.
#[test]
fn session_leader_that_cannot_die_does_not_block_the_launcher() {
    let lab = lab();
    let step = Step(Place::Middle(At("pidfd_open", 1)), Phase::Early);
    let scene = Scene::at(&lab, step, &[LONG_START_TIMEOUT]);
    // The session leader has a second to answer and a second to die.
    let in_time = look::first_death(&[scene.process(Victim::Launcher).id()], Deadline::after(Duration::from_secs(6)));
    scene.release();
    let outcome = scene.launch.finish();
    assert!(in_time.is_ok(), "the launcher waited for a middle that could not die: {outcome}");
    is_undone(step, &lab, &outcome, &["died before it was ready"]);
}
