//! What a daemon tells a service manager of our own, word for word, and what it makes of one that does not listen.

use std::fs;
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use look::{Lab, Running};
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use crate::common::{PIDFILE, SOON, each, lab, needs_root, nothing_left, shared_lab, times};

/// Long enough for a message that should not come.
const NEVER: Duration = Duration::from_millis(500);

#[test]
fn p1_11_ready_is_said_once_after_the_last_stage() {
    for settings in [
        ["ready=auto", "body=note:begun,ready,ready,idle"],
        ["ready=manual", "body=pause:200,note:begun,ready,ready,idle"],
    ] {
        let (lab, manager) = (lab(), Manager::by_name());
        let daemon = manager.foreground(&lab, &settings);
        manager.says("READY=1\n");
        assert!(lab.daemon(PIDFILE).alive(), "ready without a pidfile");
        if settings[0] == "ready=manual" {
            assert!(lab.path("begun").exists(), "ready before the body said so");
        }
        assert_eq!(manager.next(NEVER), None);
        daemon.signal(Signal::SIGTERM);
        daemon.finish().ok();
        manager.says("STOPPING=1\n");
        assert_eq!(manager.next(Duration::ZERO), None);
    }
}

/// Promise 1.33: a body that fails before its first look, and before 100 ms, was never ready; one that says nothing is, then.
#[test]
fn manager_hears_of_readiness_when_the_body_has_looked_and_not_of_one_that_fails_before() {
    for (body, code) in [("err:no such table", 4), ("panic:no such table", 4), ("exit:7", 7)] {
        let (lab, manager) = (lab(), Manager::by_name());
        manager.foreground(&lab, &[&format!("body={body}")]).finish().exits(code);
        assert_ne!(manager.next(Duration::ZERO).as_deref(), Some("READY=1\n"), "{body}");
    }
    for body in ["note:begun,await:go,ask,hang", "note:begun,hang", "say:done"] {
        let (lab, manager) = (lab(), Manager::by_name());
        let daemon = manager.foreground(&lab, &[&format!("body={body}"), "grace=100"]);
        manager.says("READY=1\n");
        daemon.signal(Signal::SIGTERM);
        daemon.finish();
    }
}

#[test]
fn p1_11_the_socket_may_have_a_path_or_an_abstract_name() {
    let lab = lab();
    for manager in [Manager::by_path(&lab), Manager::by_name()] {
        let daemon = manager.foreground(&lab, &[]);
        manager.says("READY=1\n");
        // One that is told to stop twice says so once.
        daemon.signal(Signal::SIGTERM);
        daemon.signal(Signal::SIGTERM);
        daemon.finish();
        manager.says("STOPPING=1\n");
        assert_eq!(manager.next(Duration::ZERO), None);
        nothing_left(&lab);
    }
}

/// Only root could open the socket, and a daemon that has become somebody else still speaks.
#[test]
fn p1_11_a_daemon_that_became_another_user_still_speaks() {
    needs_root();
    let lab = shared_lab();
    let manager = Manager::by_path(&lab);
    let daemon = manager.foreground(&lab, &["user=65534"]);
    manager.says("READY=1\n");
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
    manager.says("STOPPING=1\n");
}

#[test]
fn p1_11_a_reload_begins_with_the_time_and_ends_with_ready() {
    let (lab, manager) = (lab(), Manager::by_name());
    let daemon = manager.foreground(&lab, &["handle=HUP:note:reloaded"]);
    manager.says("READY=1\n");
    for round in 1..=times(5, 100) {
        let before = monotonic();
        daemon.signal(Signal::SIGHUP);
        let words = manager.next(SOON).expect("a word");
        let time = words.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|rest| rest.strip_suffix('\n'));
        let time = time.and_then(|digits| digits.parse().ok()).map(Duration::from_micros);
        // Microseconds are cut off.
        let is_now = |time| before <= time + Duration::from_micros(1) && time <= monotonic();
        assert!(time.is_some_and(is_now), "{words:?}");
        manager.says("READY=1\n");
        assert_eq!(lab.read("reloaded").lines().count(), round, "said before the handlers were done");
    }
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
    manager.says("STOPPING=1\n");
}

#[test]
fn p1_11_nothing_is_said_after_stopping() {
    let (lab, manager) = (lab(), Manager::by_name());
    let daemon = manager.foreground(&lab, &["handle=HUP:note:reloading,pause:300"]);
    manager.says("READY=1\n");
    daemon.signal(Signal::SIGHUP);
    lab.wait_for("reloading", SOON, |lines| !lines.is_empty());
    daemon.signal(Signal::SIGTERM);
    daemon.signal(Signal::SIGHUP);
    daemon.finish().ok();
    let all: Vec<_> = std::iter::from_fn(|| manager.next(Duration::ZERO)).collect();
    assert!(all[0].starts_with("RELOADING=1\n"), "{all:?}");
    assert_eq!(all.iter().filter(|words| *words == "STOPPING=1\n").count(), 1, "{all:?}");
    assert_eq!(all.last().map(String::as_str), Some("STOPPING=1\n"), "{all:?}");
}

#[test]
fn p1_11_a_daemon_that_fails_before_it_is_ready_never_says_that_it_is() {
    let bodies = ["body=err:no", "body=exit:3", "body=panic:no", "body=kill:KILL", "body=idle"];
    for (body, stopped) in bodies.into_iter().map(|body| (body, body == "body=idle")) {
        let (lab, manager) = (lab(), Manager::by_name());
        let daemon = manager.foreground(&lab, &["ready=manual", body, "after=Stdio:note:up"]);
        lab.wait_for("up", SOON, |lines| !lines.is_empty());
        if stopped {
            daemon.signal(Signal::SIGTERM);
        }
        daemon.finish();
        let all: Vec<_> = std::iter::from_fn(|| manager.next(Duration::ZERO)).collect();
        assert!(all.iter().all(|words| !words.contains("READY")), "{body}: {all:?}");
    }
}

/// Its launcher is what the manager started, so it says who it is; a launcher that nobody meant says nothing.
#[test]
fn p1_11_a_daemon_that_detached_says_who_it_is() {
    for (meant, script) in [
        (true, "export SYSTEMD_EXEC_PID=$$; exec $D start detach=always pidfile=d.pid"),
        (false, "export SYSTEMD_EXEC_PID=1; exec $D start detach=always pidfile=d.pid"),
        (false, "exec $D start detach=always pidfile=d.pid"),
    ] {
        let (lab, manager) = (lab(), Manager::by_name());
        lab.shell(script).env("NOTIFY_SOCKET", &manager.address).run().ok();
        if meant {
            manager.says(&format!("MAINPID={}\n", lab.daemon(PIDFILE).id()));
            manager.says("READY=1\n");
        }
        lab.run(&["stop", "pidfile=d.pid"]).ok();
        if meant {
            manager.says("STOPPING=1\n");
        }
        assert_eq!(manager.next(Duration::ZERO), None);
    }
}

#[test]
fn p1_11_a_manager_that_is_not_there_or_does_not_listen_keeps_nobody() {
    let lab = lab();
    lab.write("file", "");
    drop(UnixDatagram::bind(lab.path("dead")).expect("a socket"));
    let relative = UnixDatagram::bind(lab.path("relative")).expect("a socket");
    let deaf = Manager::by_path(&lab).deafen();
    let path = |name: &str| lab.path(name).display().to_string();
    let long = format!("/{}", "x".repeat(200));
    for address in
        [&path("missing"), &path("file"), &path("dead"), "/", "relative", "", "@", &long, "vsock:2:1", &deaf.address]
    {
        let begin = Instant::now();
        let daemon = spawn(&lab, address, &["handle=HUP:note:reloaded"], &[("WATCHDOG_USEC", "100000")]);
        lab.wait_for(PIDFILE, SOON, |content| content.ends_with('\n'));
        daemon.signal(Signal::SIGHUP);
        lab.wait_for("reloaded", SOON, |lines| !lines.is_empty());
        daemon.signal(Signal::SIGTERM);
        daemon.finish().ok();
        assert!(begin.elapsed() < Duration::from_secs(5), "{address:?} kept it for {:?}", begin.elapsed());
        nothing_left(&lab);
        fs::remove_file(lab.path("reloaded")).expect("it was written");
    }
    relative.set_nonblocking(true).expect("a socket");
    assert!(relative.recv(&mut [0; 100]).is_err(), "a path from nowhere in particular was taken");
}

#[test]
fn p1_11_a_manager_that_goes_away_leaves_the_daemon_alone() {
    let lab = lab();
    let manager = Manager::by_path(&lab);
    let daemon = manager.foreground(&lab, &["handle=HUP:note:reloaded"]);
    manager.says("READY=1\n");
    drop(manager);
    daemon.signal(Signal::SIGHUP);
    lab.wait_for("reloaded", SOON, |lines| !lines.is_empty());
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
}

#[test]
fn p1_12_the_watchdog_is_fed_at_half_its_interval() {
    let (lab, manager) = (lab(), Manager::by_name());
    let daemon = spawn(&lab, &manager.address, &["body=poll"], &[("WATCHDOG_USEC", "1000000")]);
    manager.says("READY=1\n");
    for _ in 0..times(4, 20) {
        let begin = Instant::now();
        manager.says("WATCHDOG=1\n");
        let gap = begin.elapsed();
        assert!(Duration::from_millis(250) < gap && gap < Duration::from_millis(800), "fed after {gap:?}");
    }
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
    manager.says("STOPPING=1\n");
}

#[test]
fn p1_12_the_watchdog_of_somebody_else_and_none_are_not_fed() {
    let cases = [
        ("body=poll", &[("WATCHDOG_USEC", "50000"), ("WATCHDOG_PID", "1")][..]),
        ("body=poll", &[("WATCHDOG_USEC", "50000"), ("WATCHDOG_PID", "")]),
        ("body=poll", &[("WATCHDOG_USEC", "0")]),
        ("body=poll", &[("WATCHDOG_USEC", "-50000")]),
        ("body=poll", &[("WATCHDOG_USEC", "50000 ")]),
        ("body=poll", &[("WATCHDOG_USEC", "18446744073709551615")]),
        ("body=poll", &[]),
        // Meant for it, and deserved by nobody.
        ("body=hang", &[("WATCHDOG_USEC", "50000")]),
        ("body=ask_in_thread_and_hang", &[("WATCHDOG_USEC", "50000")]),
    ];
    each(cases, |(body, variables)| {
        let (lab, manager) = (lab(), Manager::by_name());
        let daemon = spawn(&lab, &manager.address, &["grace=500", body], variables);
        manager.says("READY=1\n");
        assert_eq!(manager.next(NEVER), None, "{body} {variables:?}");
        daemon.signal(Signal::SIGTERM);
        daemon.finish();
        manager.says("STOPPING=1\n");
    });
}

#[test]
fn p1_12_descriptors_are_taken_when_they_are_meant_for_this_process() {
    let lab = lab();
    lab.write("one", "");
    lab.write("two", "");
    let script = "exec 3<one 4<two 5</etc/passwd; PIDS; exec $D foreground pidfile=d.pid body=note_listen_fds:handed";
    for (variables, expected) in [
        ("export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:", "web 3 LAB/one\nunknown 4 LAB/two\n"),
        ("export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a:b:c:d", "a 3 LAB/one\nb 4 LAB/two\n"),
        ("export LISTEN_PID=$$ LISTEN_FDS=1", "unknown 3 LAB/one\n"),
        ("export LISTEN_PID=$$ LISTEN_FDS=0", ""),
        ("export LISTEN_PID=$$ LISTEN_FDS=-1", ""),
        ("export LISTEN_PID=$$ LISTEN_FDS=two", ""),
        ("export LISTEN_PID=$$", ""),
        ("export LISTEN_PID=1 LISTEN_FDS=2", ""),
        ("export LISTEN_PID=$$x LISTEN_FDS=2", ""),
        ("export LISTEN_FDS=2", ""),
    ] {
        lab.shell(&script.replace("PIDS", variables)).run().ok();
        let expected = expected.replace("LAB", &lab.directory().display().to_string());
        assert_eq!(lab.read("handed"), format!("{expected}that is all\n"), "{variables}");
        fs::remove_file(lab.path("handed")).expect("it was written");
    }
}

/// Neither variables nor descriptors; what is none of the manager's business stays.
/// What was said to be handed over and is not there: the numbers are those of files that were opened since.
#[test]
fn p1_12_descriptors_that_did_not_come_are_nobodys() {
    let lab = lab();
    let script = "exec 3<&- 4<&- 5<&-; export LISTEN_PID=$$ LISTEN_FDS=3; \
                  exec $D foreground pidfile=d.pid stdin=null stdout=log body=note_listen_fds_and_idle:handed";
    let daemon = lab.shell(script).spawn();
    lab.wait_for("up", SOON, |note| !note.is_empty());
    assert_eq!(lab.read("handed"), "that is all\n");
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
}

#[test]
fn p1_19_children_get_nothing_of_the_managers() {
    let (lab, manager) = (lab(), Manager::by_name());
    let script = "exec 3</etc/passwd; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web WATCHDOG_PID=$$ \
                  WATCHDOG_USEC=9000000 SYSTEMD_EXEC_PID=$$ OWN=kept; exec $D VERB pidfile=d.pid ready=entered \
                  body=note_child_and_idle:child";
    // The body is entered after the start is over: a stop before that would be one of a daemon that is starting.
    for verb in ["foreground", "start detach=always"] {
        let starter = lab.shell(&script.replace("VERB", verb)).env("NOTIFY_SOCKET", &manager.address).spawn();
        let child = lab.wait_for("child", SOON, |text| text.ends_with("that is all\n"));
        for name in ["NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_", "/etc/passwd", "socket:"] {
            assert!(!child.contains(name), "{verb}: {name} in {child}");
        }
        assert!(child.contains("OWN=kept\n"), "{child}");
        lab.daemon(PIDFILE).signal(Signal::SIGTERM);
        starter.finish().ok();
        nothing_left(&lab);
        fs::remove_file(lab.path("child")).expect("it was written");
    }
}

/// A service manager of our own.
struct Manager {
    socket: UnixDatagram,
    /// What `NOTIFY_SOCKET` says.
    address: String,
}

impl Manager {
    fn by_path(lab: &Lab) -> Self {
        let path = lab.path("notify");
        let socket = UnixDatagram::bind(&path).expect("a new name in a directory of ours");
        Self { socket, address: path.display().to_string() }
    }

    fn by_name() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("daemonic-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        Self { socket: UnixDatagram::bind_addr(&address).expect("a name of ours"), address: format!("@{name}") }
    }

    /// Nobody can send it anything any more. One sender cannot always fill it: it has a limit of its own.
    fn deafen(self) -> Self {
        while self.fill() > 0 {}
        self
    }

    /// How many messages a new sender gets rid of.
    fn fill(&self) -> usize {
        let sender = UnixDatagram::unbound().expect("a socket");
        sender.set_nonblocking(true).expect("a socket");
        std::iter::repeat_with(|| sender.send_to(b"full", &self.address)).take_while(Result::is_ok).count()
    }

    fn foreground<'lab>(&self, lab: &'lab Lab, settings: &[&str]) -> Running<'lab> {
        spawn(lab, &self.address, settings, &[])
    }

    /// The next message, if one comes in time.
    fn next(&self, within: Duration) -> Option<String> {
        self.socket.set_nonblocking(within.is_zero()).expect("a socket");
        self.socket.set_read_timeout(Some(within).filter(|time| !time.is_zero())).expect("a socket");
        let mut words = [0; 4096];
        match self.socket.recv(&mut words) {
            Ok(length) => Some(String::from_utf8_lossy(&words[..length]).into_owned()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("failed to listen: {error}"),
        }
    }

    #[track_caller]
    fn says(&self, words: &str) {
        assert_eq!(self.next(SOON).as_deref(), Some(words));
    }
}

/// A daemon in the foreground, started as a service manager at this address would.
fn spawn<'lab>(lab: &'lab Lab, address: &str, settings: &[&str], variables: &[(&str, &str)]) -> Running<'lab> {
    let run = lab.helper(&["foreground", "pidfile=d.pid"]).args(settings).env("NOTIFY_SOCKET", address);
    variables.iter().fold(run, |run, (name, value)| run.env(name, value)).spawn()
}

fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).expect("a clock")
}
