//! A daemon that lives and does not answer.

use crate::common::lab;
use crate::versions_lab::{LONG, ServedClient, VersionsLab, lives, suspend};
use look::{Deadline, Process};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::time::Duration;

/// Starts a daemon with this body that listens and does not answer.
fn start(lab: &VersionsLab, body: &str) -> Process {
    lab.helper(None, "start", &[&format!("body={body}")]).run().ok();
    lab.lab.daemon("agent.pid")
}

/// Promise 12.09.
#[test]
fn daemon_that_does_not_answer_is_ended_and_its_successor_serves() {
    for (body, how) in [("mute", "stopped"), ("deaf", "killed")] {
        let lab = VersionsLab::new();
        let wedged = start(&lab, body);
        let outcome = lab.helper(None, "connect", &["greeting_timeout=300", "connect_timeout=8000"]).run().ok();
        let served = ServedClient::parse(&outcome.stdout);
        assert!(served.has_started() && !wedged.alive(), "{body}: {outcome}");
        let line = format!("agent: pid {} has sent no greeting for ", wedged.id());
        assert!(outcome.stderr.starts_with(&line) && outcome.stderr.lines().count() == 1, "{body}: {outcome}");
        assert!(outcome.stderr.contains(&format!("used no processor time, so it was {how}")), "{body}: {outcome}");
        assert!(outcome.took >= Duration::from_millis(300), "{body}: {outcome}");
    }
}

/// Promise 12.09.
#[test]
fn clients_of_a_wedged_daemon_at_the_same_moment_are_served_by_one_successor() {
    let lab = VersionsLab::new();
    let wedged = start(&lab, "mute");
    let options = ["greeting_timeout=300", "connect_timeout=15000"];
    let clients: Vec<_> = (0..4).map(|_| lab.helper(None, "connect", &options).spawn()).collect();
    let served: Vec<ServedClient> =
        clients.into_iter().map(|client| ServedClient::parse(&client.finish().ok().stdout)).collect();
    assert!(!wedged.alive());
    assert!(served.iter().all(|client| client.pid() == served[0].pid()), "{served:?}");
    assert!(lives(served[0].pid()));
}

/// Promise 12.10: a child that a dead daemon has left still listens, and no daemon runs.
#[test]
fn listener_without_a_daemon_is_replaced_by_a_start() {
    let lab = VersionsLab::new();
    let directory = lab.lab.path("agent.agent");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(directory.join("socket")).unwrap();
    let outcome = lab.helper(None, "connect", &["greeting_timeout=200", "connect_timeout=15000"]).run().ok();
    assert!(ServedClient::parse(&outcome.stdout).has_started(), "{outcome}");
}

/// Promise 12.09.
#[test]
fn stopped_daemon_is_continued_and_serves() {
    let lab = VersionsLab::new();
    let pid = lab.connect(&[]).pid();
    suspend(pid);
    let outcome = lab.helper(None, "connect", &["greeting_timeout=300", "connect_timeout=15000"]).run().ok();
    assert_eq!(ServedClient::parse(&outcome.stdout).pid(), pid);
    outcome.says(&[
        &format!("agent: pid {pid} has sent no greeting for 0."),
        "it was stopped (SIGSTOP), so it was continued",
    ]);
}

/// Promise 12.09.
#[test]
fn daemon_that_was_stopped_while_it_exits_is_continued_and_the_next_one_serves() {
    let lab = lab();
    lab.run(&["client", "once", "body=tarries"]).ok();
    let daemon = lab.daemon("agent.pid");
    daemon.signal(Signal::SIGTERM);
    let leaving = lab.path("agent.agent/leaving");
    look::until(&leaving, Deadline::after(LONG), || leaving.exists().then_some(())).unwrap();
    suspend(daemon.id());
    let outcome = lab.run(&["client", "once", "greeting=100", "timeout=15000"]).ok().prints(&["started"]);
    outcome
        .says(&[&format!("agent: pid {} exits for 0.", daemon.id()), "it was stopped (SIGSTOP), so it was continued"]);
    assert!(!daemon.alive());
}

/// Promise 12.09.
#[test]
fn stopped_daemon_that_goes_on_before_the_timeout_is_left_alone() {
    let lab = VersionsLab::new();
    let pid = lab.connect(&[]).pid();
    suspend(pid);
    let client = lab.helper(None, "connect", &["greeting_timeout=10000", "connect_timeout=20000"]).spawn();
    std::thread::sleep(Duration::from_millis(250));
    Process::new(pid).signal(Signal::SIGCONT);
    let outcome = client.finish().ok();
    assert_eq!((ServedClient::parse(&outcome.stdout).pid(), outcome.stderr.as_str()), (pid, ""));
}

/// Promise 12.09.
#[test]
fn working_daemon_is_not_ended_and_the_client_is_told_at_its_deadline() {
    let lab = VersionsLab::new();
    let daemon = start(&lab, "working");
    let outcome = lab.helper(None, "connect", &["greeting_timeout=150", "connect_timeout=700"]).run().exits(2);
    outcome.says(&["failed to connect to `agent`: it has sent no greeting for 0.", "it uses processor time"]);
    assert!(daemon.alive());
}

/// Promise 12.09.
#[test]
fn traced_daemon_is_not_ended_and_the_client_is_told_by_which_process() {
    let lab = VersionsLab::new();
    let daemon = start(&lab, "mute");
    ptrace::seize(Pid::from_raw(daemon.id()), ptrace::Options::empty()).unwrap();
    let outcome = lab.helper(None, "connect", &["greeting_timeout=150", "connect_timeout=700"]).run().exits(2);
    // The kernel names the thread.
    let tracer = format!("it is traced by pid {}", nix::unistd::gettid());
    outcome.says(&["failed to connect to `agent`: it has sent no greeting for 0.", &tracer]);
    assert!(daemon.alive());
}

/// Promise 12.09.
#[test]
fn daemon_that_is_starting_is_not_ended() {
    let lab = VersionsLab::new();
    let start = lab.helper(None, "start", &["body=slow_start"]).spawn();
    let socket = lab.lab.path("agent.agent/socket");
    look::until(&lab.lab.path("agent.agent"), Deadline::after(LONG), || {
        lab.lab.path("agent.agent").exists().then_some(())
    })
    .unwrap();
    look::until(&socket, Deadline::after(LONG), || socket.exists().then_some(())).unwrap();
    let client = lab.helper(None, "connect", &["greeting_timeout=100", "connect_timeout=20000"]).spawn();
    std::thread::sleep(Duration::from_millis(800));
    lab.lab.write("go", "");
    let started = start.finish().ok().stdout;
    let outcome = client.finish().ok();
    assert_eq!((ServedClient::parse(&outcome.stdout).text("pid"), outcome.stderr.as_str()), (started.trim_end(), ""));
}
