//! Services of a real systemd with `Type=notify`: readiness, stored sockets, the watchdog.

use std::fs;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, needs, times};
use crate::systemd_unit::Unit;

/// A service that notifies systemd, and needs no pidfile but its own.
const NOTIFY: &str = "Type=notify\nExecStart=LAB start pidfile=/run/%N.pid";

/// Promise 1.11.
#[test]
fn notify_service_is_active_after_ready() {
    // The second changes its user before it is ready.
    for (name, setting) in [("says", "umask=027"), ("says-dropped", "user=65534")] {
        let unit = Unit::new(name, &format!("{NOTIFY} ready=manual body=pause:500,ready,idle {setting}"));
        for _ in 0..times(2, 10) {
            let begin = Instant::now();
            unit.start();
            assert!(begin.elapsed() >= Duration::from_millis(500), "{name} was active before it was ready");
            assert_eq!(unit.named(), unit.main());
            unit.stop();
        }
        unit.content();
    }
}

/// Promise 1.11. From version 253 on, systemd waits for READY=1 after a reload (`Type=notify-reload`).
#[test]
fn reload_ends_after_its_handlers() {
    let version = Unit::version();
    let kind = if version >= 253 { "notify-reload" } else { "notify\nExecReload=kill -HUP $MAINPID" };
    let lines = format!("Type={kind}\nExecStart=LAB start pidfile=/run/%N.pid handle=HUP:pause:300,note:says-reload");
    let unit = Unit::new("reload-says", &lines);
    let daemon = unit.start();
    for round in 1..=times(3, 10) {
        unit.machine.systemctl(&["reload", &unit.name]).ok();
        let lines = unit.machine.lab().wait_for("says-reload", EVENT_TIMEOUT, |lines| lines.lines().count() >= round);
        assert_eq!(lines.lines().count(), round);
        assert_eq!(unit.start(), daemon, "the same main process as before");
        assert_eq!(unit.show("SubState"), "running");
    }
    unit.stop();
    unit.content();
}

/// Promise 1.11. systemd started the launcher, which sends the main process's pid.
#[test]
fn detaching_service_sends_its_main_pid() {
    // By default, systemd accepts messages of the main process only: first the launcher, then the pid that it sent.
    for (name, access) in [("says-main", "main"), ("says-all", "all")] {
        let exec = "ExecStart=LAB start detach=always pidfile=/run/%N.pid";
        let unit = Unit::new(name, &format!("Type=notify\nNotifyAccess={access}\n{exec}"));
        for _ in 0..times(5, 50) {
            unit.start();
            assert_eq!(unit.named(), unit.main());
            unit.stop();
        }
        unit.content();
    }
}

/// Promise 1.10.
#[test]
fn notify_service_does_not_fork() {
    needs(&["strace"]);
    let traced = "/usr/bin/strace -D -f -o LABDIR/%N.trace -e trace=fork,vfork,clone,clone3,setsid,setpgid";
    let unit = Unit::new("says-traced", &format!("Type=notify\nExecStart={traced} LAB start pidfile=/run/%N.pid"));
    unit.start();
    assert_eq!(unit.named(), unit.main());
    unit.stop();
    unit.forked_nothing();
    unit.content();
}

/// Promise 1.12.
#[test]
fn hung_body_triggers_the_watchdog_despite_other_threads() {
    for (name, body) in
        [("hangs", "hang"), ("hangs-late", "pause:10,ask,hang"), ("hangs-watched", "ask_in_thread_and_hang")]
    {
        let lines = format!("{NOTIFY} body={body}\nWatchdogSec=1\nRestart=on-watchdog\nRestartSec=0");
        let unit = Unit::new(name, &lines);
        unit.start();
        // At once: a hung body would only use up the grace of a stop.
        unit.wait_for("stopped watchdog killed ABRT", 1);
        unit.wait_for("started", 2);
        unit.machine.systemctl(&["stop", &unit.name]).ok();
        assert!(unit.machine.journal(&unit.name).contains("Watchdog timeout"));
    }
}

/// Promise 1.12.
#[test]
fn body_that_polls_or_sleeps_feeds_the_watchdog() {
    for (name, body) in [("feeds-idle", "body=idle"), ("feeds-busy", "body=poll"), ("feeds-step", "step=pause:10")] {
        let unit = Unit::new(name, &format!("{NOTIFY} {body}\nWatchdogSec=500ms"));
        let daemon = unit.start();
        daemon.died(Duration::from_millis(2500)).expect_err("the watchdog is fed, so nothing ends it");
        unit.stop();
        unit.content();
    }
}

/// Promise 1.12.
#[test]
fn sockets_are_handed_over_with_their_names() {
    let unit = Unit::new(
        "activated",
        &format!(
            "{NOTIFY} body=note_listen_fds_and_idle:activated close=all\nSockets=activated-web.socket activated-plain.socket"
        ),
    );
    for (name, more) in [("activated-web", "FileDescriptorName=web\n"), ("activated-plain", "")] {
        let socket = format!(
            "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/{name}\nService=activated.service\n{more}"
        );
        unit.machine.unit(&format!("{name}.socket"), &socket);
        unit.machine.systemctl(&["start", &format!("{name}.socket")]).ok();
    }
    let _client = UnixStream::connect(unit.machine.path("/run/activated-web")).expect("systemd listens");
    let noted = unit.machine.lab().wait_for("activated", EVENT_TIMEOUT, |text| text.ends_with("that is all\n"));
    let mut names: Vec<_> =
        noted.lines().filter_map(|line| line.split_once(' ')).map(|(name, rest)| (name, &rest[..1])).collect();
    names.pop();
    names.sort_unstable();
    assert!(noted.contains("socket:["), "{noted}");
    assert_eq!(names.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["activated-plain.socket", "web"], "{noted}");
    for name in ["activated-web.socket", "activated-plain.socket"] {
        unit.machine.systemctl(&["stop", name]).ok();
    }
    unit.stop();
    unit.content();
}

/// Promise 1.13.
#[test]
fn stored_socket_survives_a_kill() {
    let unit = Unit::new(
        "keeps",
        &format!("{NOTIFY} body=store_socket_and_idle:web\nFileDescriptorStoreMax=4\nRestart=on-failure\nRestartSec=0"),
    );
    let lab = unit.machine.lab();
    let mut daemon = unit.start();
    let counts = |text: &str| text.matches("that is all\n").count();
    lab.wait_for("web", EVENT_TIMEOUT, |text| counts(text) == 1);
    for round in 1..=times(3, 20) {
        // A client that connects now is queued in the socket: no process accepts it yet, and it is not lost.
        let client = UnixStream::connect(lab.path("web.sock")).expect("a listening socket");
        daemon.signal(Signal::SIGKILL);
        daemon.died(EVENT_TIMEOUT).expect("SIGKILL ends it");
        unit.wait_for("started", round + 1);
        daemon = unit.start();
        lab.wait_for("web", EVENT_TIMEOUT, |text| counts(text) == round + 1);
        assert_eq!(unit.show("NFileDescriptorStore"), "1");
        drop(client);
    }
    let noted = fs::read_to_string(lab.path("web")).expect("what it noted");
    let mut sockets: Vec<_> = noted.lines().filter(|line| line.starts_with("web ")).collect();
    assert_eq!(sockets.len(), times(3, 20), "{noted}");
    sockets.dedup();
    assert_eq!(sockets.len(), 1, "not always the same socket: {noted}");
    unit.stop();
    unit.content();
}
