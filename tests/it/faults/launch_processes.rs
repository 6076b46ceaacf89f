//! The three processes of a launch: their descriptors, how they end together, and what is left when two of them are
//! lost at once (L15: documented as open).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use look::Process;
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, LOCK, PIDFILE, lab, needs_root, nothing_left, run, start, stop};
use crate::faults::held_system_call::{At, Hold, look_until, until_stopped};
use crate::faults::launch_steps::{Phase, Place, Scene, Step, Victim, born, is_whole, the_next_works};

/// Returns the step at which a start waits in this hook of the daemon.
const fn early(hook: &'static str) -> Step {
    Step(Place::Hook(hook), Phase::Early)
}

/// Returns the number of socket ends that a process has.
fn sockets(process: Process) -> usize {
    process.descriptors().values().filter(|fd| fd.target.to_string_lossy().starts_with("socket:")).count()
}

/// Promise 1.09. L1: the launcher has one end of each pair. L2: the session leader has closed the daemon's end, keeps a
/// copy of the lock, and blocks signals. L3: the daemon has closed the session leader's end.
#[test]
fn launch_process_holds_its_own_socket_ends_only() {
    let lab = lab();
    let scene = Scene::at(&lab, early("before=PidFile"), &[]);
    let victims = [Victim::Launcher, Victim::Middle, Victim::Daemon];
    look_until("they hold other ends", || victims.map(|victim| sockets(scene.process(victim))) == [2, 1, 1]);
    for victim in victims {
        let descriptors = scene.process(victim).descriptors();
        let own =
            |fd: &look::Descriptor| !fd.target.to_string_lossy().starts_with("socket:") || fd.has(libc::O_CLOEXEC);
        assert!(descriptors.values().all(own), "{victim:?}: {descriptors:?}");
        assert!(descriptors.values().any(|fd| fd.is(lab.path(LOCK))), "{victim:?} has no copy of the lock");
    }
    let middle = scene.process(Victim::Middle);
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        assert!(middle.signals("SigBlk").contains(&(signal as i32)), "{signal} would end the middle");
    }
    assert_eq!(middle.stat().map(|stat| (stat.session, stat.threads)), Some((middle.id(), 1)));
    scene.release();
    scene.launch.finish().ok();
    is_whole(&lab);
}

/// Promise 1.08. L3: the daemon dies with the session leader, also after a change of user, which clears the
/// parent-death signal. (The launcher, which would kill it too, is stopped.) With `ready = manual`, EOF on the socket
/// aborts it before the body.
#[test]
fn unready_daemon_dies_with_its_session_leader() {
    needs_root();
    for (step, user) in [
        (early("before=CoreDumps"), "user=65534"),
        (early("before=Umask"), "user=65534"),
        (early("after=Stdio"), "user=65534"),
        (early("after=Stdio"), "umask=022"),
    ] {
        let lab = lab();
        fs::set_permissions(lab.write("born", ""), fs::Permissions::from_mode(0o666)).unwrap();
        let scene = Scene::at(&lab, step, &[user]);
        scene.freeze(Victim::Launcher);
        scene.kill(Victim::Middle);
        let daemon = scene.process(Victim::Daemon);
        look_until("it lives on without its middle", || !daemon.alive());
        scene.process(Victim::Launcher).signal(Signal::SIGCONT);
        scene.launch.finish().exits(2).says(&["died before it was ready"]);
        nothing_left(&lab);
    }
}

/// Promise 1.08. L9, L10, L12: the daemon's children are killed with the session leader's process group, whichever of
/// the three processes was lost, and their copies of the lock are closed.
#[test]
fn failed_start_kills_the_daemons_children() {
    for victim in [Victim::Launcher, Victim::Middle, Victim::Daemon] {
        let lab = lab();
        let scene = Scene::at(&lab, early("before=Stdio"), &["before=Umask:fork_sleeper"]);
        assert_eq!(lab.processes().len(), 4, "the three and a child");
        scene.kill(victim);
        scene.release();
        scene.launch.finish();
        nothing_left(&lab);
        the_next_works(&lab);
    }
}

/// L7: a launcher that exits with the start waits for no answer of the session leader, but a GO that does not arrive is
/// a failure, with its cause.
#[test]
fn daemon_killed_between_ready_and_go_is_reported_by_a_launcher_that_exits() {
    let lab = lab();
    let settings = ["activate", "pidfile=d.pid", "ready=entered", "after=Detach:note:born", "body=note:working,idle"];
    // WRITTEN, RELEASE, and GO.
    let (launch, launcher) = Hold::on(&lab, &settings, At("sendto", 3));
    let (daemon, leader) = born(&lab);
    daemon.signal(Signal::SIGKILL);
    look_until("the session leader does not see the death", || !leader.alive());
    launcher.release();
    launch.finish().exits(2).says(&["killed by signal 9 (SIGKILL) before it was ready"]);
    nothing_left(&lab);
    the_next_works(&lab);
}

/// L12: RELEASE counts when the daemon dies after GO while its launcher, which exits with the start, has not exited
/// yet.
#[test]
fn child_of_a_daemon_that_ends_before_its_launcher_exits_lives_on() {
    let lab = lab();
    let settings = ["activate", "pidfile=d.pid", "ready=entered", "after=Detach:note:born", "body=fork_sleeper"];
    let (launch, launcher) = Hold::on(&lab, &settings, At("exit_group", 1));
    let (daemon, leader) = born(&lab);
    look_until("the session leader waits for the launcher", || !daemon.alive() && !leader.alive());
    launcher.release();
    launch.finish().ok();
    let left = lab.processes();
    assert_eq!(left.len(), 1, "the child lives: {left:?}");
    left[0].signal(Signal::SIGKILL);
    nothing_left(&lab);
}

/// Promise 2.12. A launcher that still exits, or prints the captured output into a full pipe, has no copy of the lock.
#[test]
fn start_after_a_killed_daemon_does_not_wait_for_the_launcher_of_that() {
    let lab = lab();
    let settings = ["activate", "pidfile=d.pid", "ready=entered", "after=Detach:note:born", "body=idle"];
    let (launch, launcher) = Hold::on(&lab, &settings, At("exit_group", 1));
    let (daemon, leader) = born(&lab);
    daemon.signal(Signal::SIGKILL);
    look_until("the session leader does not see the death", || !daemon.alive() && !leader.alive());
    start(&lab, &[]);
    launcher.release();
    launch.finish().ok();
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.08. L6: the launcher did not run when its timeout expired, and READY was there before.
#[test]
fn readiness_read_late_counts() {
    let lab = lab();
    let scene = Scene::at(&lab, early("before=Stdio"), &["start_timeout=2000"]);
    scene.freeze(Victim::Launcher);
    scene.release();
    scene.wait_for_the_daemon_to_wait();
    // Only time passes.
    std::thread::sleep(Duration::from_millis(2100));
    assert!(!lab.path("working").exists(), "a body runs, and no success was reported");
    scene.process(Victim::Launcher).signal(Signal::SIGCONT);
    scene.launch.finish().ok();
    is_whole(&lab);
}

/// Promise 2.12. L15: with launcher and session leader both lost, no process is left to remove the file. The next start
/// replaces it.
#[test]
fn lost_launcher_and_session_leader_leave_at_most_a_file() {
    for hook in ["before=PidFile", "after=PidFile"] {
        let lab = lab();
        let scene = Scene::at(&lab, early(hook), &[]);
        let daemon = scene.process(Victim::Daemon);
        // The launcher writes it while the daemon runs its first stages: an empty file would be that of a start that is under way.
        look_until("the launcher does not write the pidfile", || {
            lab.path(PIDFILE).metadata().is_ok_and(|file| file.len() > 0)
        });
        scene.freeze(Victim::Middle);
        scene.kill(Victim::Launcher);
        scene.kill(Victim::Middle);
        scene.launch.finish().exits(137);
        look_until("it lives on without its middle", || !daemon.alive());
        lab.quiet(EVENT_TIMEOUT).expect("no process left");
        assert!(lab.path(PIDFILE).exists());
        run(&lab, "status", &[]).exits(1);
        the_next_works(&lab);
    }
}

/// Promise 2.12. L15: a session leader that is stopped for good keeps its copy of the lock when the launcher is lost.
/// The next start reports that; once continued, the session leader cleans up.
#[test]
fn stopped_session_leader_without_launcher_keeps_the_lock() {
    let lab = lab();
    let scene = Scene::at(&lab, early("after=PidFile"), &[]);
    let (middle, daemon) = (scene.process(Victim::Middle), scene.process(Victim::Daemon));
    scene.freeze(Victim::Middle);
    scene.kill(Victim::Launcher);
    scene.release();
    look_until("the daemon of a failed start lives on", || !daemon.alive());
    assert!(!lab.path("working").exists(), "a body ran, and no success was reported");
    run(&lab, "start", &[]).exits(7).says(&["locked, but not by a daemon", &daemon.id().to_string()]);
    middle.signal(Signal::SIGCONT);
    scene.launch.finish().exits(137);
    nothing_left(&lab);
    the_next_works(&lab);
}

/// Promise 2.12. L15: a launcher that is lost while it cleans up for a stopped session leader has killed all processes,
/// and leaves the file.
#[test]
fn launcher_lost_in_its_cleanup_leaves_at_most_a_file() {
    let lab = lab();
    let hook = "before=Stdio:note:born,await:go";
    let arguments = ["start", "pidfile=d.pid", hook, "first=kill:STOP", "start_timeout=60000"];
    let launch = lab.helper(&arguments).spawn();
    // The first `unlinkat` removes last words that a killed start may have left.
    let cleanup = Hold::stopped(&lab, launch.process(), At("unlinkat", 2));
    let (_, middle) = crate::faults::launch_steps::born(&lab);
    middle.signal(Signal::SIGSTOP);
    until_stopped(middle);
    lab.write("go", "");
    let held = cleanup.reached();
    launch.signal(Signal::SIGKILL);
    held.release();
    launch.finish().exits(137);
    lab.quiet(EVENT_TIMEOUT).expect("the middle and the daemon were killed first");
    assert!(lab.path(PIDFILE).exists());
    run(&lab, "status", &[]).exits(1);
    start(&lab, &[]);
    stop(&lab);
    nothing_left(&lab);
}
