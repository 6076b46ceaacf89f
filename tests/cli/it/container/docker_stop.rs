//! The end of a container: `docker stop`, a second signal, and SIGKILL.

use std::thread;
use std::time::Duration;

use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;

use super::image;
use super::runtime::{Container, DOCKER_STOP_TIMEOUT, Settings, lab};

/// The time in which several signals count as one.
const SIGNAL_BURST: Duration = Duration::from_millis(700);

/// Runs a daemon whose body asks whether it is to stop, and hangs.
fn hanging<'lab>(lab: &'lab Lab, settings: &[&str]) -> Container<'lab> {
    let settings = [&["start", "pidfile=/home/nonroot/d.pid", "body=ask,hang"], settings].concat();
    let program = vec!["/usr/local/bin/lab".to_owned()];
    let args = settings.into_iter().map(str::to_owned).collect();
    let container = Container::run(lab, &Settings { program: Some(program), args: Some(args), ..Settings::default() });
    container.wait_for(&["/usr/local/bin/lab", "status", "pidfile=/home/nonroot/d.pid"].map(str::to_owned));
    container
}

/// Waits until the daemon has taken the signal that process 1 forwards: a thread of it has a name that says so.
#[track_caller]
fn wait_until_it_stops(lab: &Lab, container: &Container) {
    let is_stopping = |process: &Process| {
        let mut threads = process.threads().into_iter();
        threads.any(|thread| thread.status("Name").is_some_and(|name| name == "daemon-stopping"))
    };
    let deadline = Deadline::after(DOCKER_STOP_TIMEOUT);
    while !children(lab, container).iter().any(is_stopping) {
        assert!(!deadline.passed(), "the daemon is not stopping: {:?}", lab.processes());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the children of process 1.
fn children(lab: &Lab, container: &Container) -> Vec<Process> {
    let is_child = |process: &Process| process.stat().is_some_and(|stat| stat.parent == container.init.id());
    lab.processes().into_iter().filter(is_child).collect()
}

/// Promises 1.35, 1.36.
#[test]
fn docker_stop_ends_the_daemon_in_order() {
    let lab = lab();
    let container = Container::run(&lab, &Settings::default());
    container.wait_for(&image::command("HEALTHCHECK"));
    let stopped = container.stop().ok();
    assert!(stopped.took < DOCKER_STOP_TIMEOUT, "{stopped}");
    stopped.says(&["serving port 8080"]);
}

/// Promise 1.35. The container's log has the reason.
#[test]
fn docker_stop_of_a_hanging_daemon_ends_it_after_its_grace() {
    let lab = lab();
    let stopped = hanging(&lab, &["grace=300"]).stop().exits(1);
    stopped.says(&["did not end within its grace of 300ms"]);
}

/// Promises 1.35, 1.27.
#[test]
fn second_sigterm_to_process_1_cuts_the_grace_short() {
    let lab = lab();
    let container = hanging(&lab, &["grace=60000", "stop_timeout=65000"]);
    container.init.signal(Signal::SIGTERM);
    wait_until_it_stops(&lab, &container);
    // Past the time in which signals count as one: no event marks it.
    thread::sleep(SIGNAL_BURST);
    container.stop().exits(1).says(&["second stop signal"]);
}

/// Promise 1.35. Docker and the kubelet send it after their timeout.
#[test]
fn sigkill_of_process_1_ends_the_daemon() {
    let lab = lab();
    let container = hanging(&lab, &[]);
    container.init.signal(Signal::SIGKILL);
    // The status is that of `unshare`, which cannot report this signal.
    container.finish();
    lab.quiet(DOCKER_STOP_TIMEOUT).expect("the kernel has killed all processes of the namespace");
}

/// Promise 1.35. An entrypoint may start others before the daemon: their output is the container's, and process 1 reaps them.
/// The program has no verb: without a terminal that is `run`.
#[test]
fn background_process_of_the_entrypoint_prints_and_is_reaped() {
    let lab = lab();
    let program = ["bash", "-c", "(exec echo from the background) & exec /usr/local/bin/serviced"];
    let program = Some(program.map(str::to_owned).to_vec());
    let container = Container::run(&lab, &Settings { program, args: Some(Vec::new()), ..Settings::default() });
    container.wait_for(&image::command("HEALTHCHECK"));
    let deadline = Deadline::after(DOCKER_STOP_TIMEOUT);
    while children(&lab, &container).len() != 1 {
        assert!(!deadline.passed(), "process 1 has other children: {:?}", children(&lab, &container));
        thread::sleep(Duration::from_millis(5));
    }
    container.stop().ok().prints(&["from the background"]).says(&["serving port 8080"]);
}
