//! Requests over the socket `control`.

use crate::versions_lab::{LONG, VersionsLab, assert_ends, lives, read_answer, suspend};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

#[test]
fn ping_and_status_report_the_daemon() {
    let lab = VersionsLab::new();
    let held = lab.hold("held", &["version=1.2.3", "constraint=a b"]);
    let pid = held.served.pid();
    assert_eq!(lab.ask("ping"), format!("pong pid={pid}"));
    let build = held.served.build();
    let status = lab.ask("status");
    let expected = format!(
        "status name=agent pid={pid} build={build} protocol=1 version=1.2.3 constraint=a%20b state=ready clients=1 queued=0 guards=0 \
         idle_ms=0"
    );
    assert_eq!(status, expected);
    held.release();
    lab.wait_for_status("clients", "0");
}

#[test]
fn report_is_the_daemons_own_view_and_none_without_a_daemon() {
    let lab = VersionsLab::new();
    assert_eq!(lab.helper(None, "report", &[]).run().ok().stdout, "None\n");
    let held = lab.hold("held", &["version=1.2.3"]);
    let pid = format!("pid: Pid({})", held.served.pid());
    lab.helper(None, "report", &[]).run().ok().prints(&[&pid, "Some(\"1.2.3\")", "state: Ready", "clients: 1"]);
    // It does not answer while it is stopped.
    suspend(held.served.pid());
    let outcome = lab.helper(None, "report", &["timeout=100"]).run().exits(2);
    outcome.says(&["failed to ask `agent` for a report: the daemon has not answered in time"]);
}

#[test]
fn request_that_is_not_understood_is_refused_and_the_connection_goes_on() {
    let lab = VersionsLab::new();
    let pid = lab.connect(&[]).pid();
    let mut stream = lab.control();
    for line in ["stop", "", "retire", "retire pid=x when=now", "\u{1b}[2J", "status a=1 a=1"] {
        writeln!(stream, "{line}").unwrap();
        assert!(read_answer(&stream).starts_with("refused why="), "{line:?}");
    }
    writeln!(stream, "ping").unwrap();
    assert_eq!(read_answer(&stream), format!("pong pid={pid}"));
}

/// Promise 12.15.
#[test]
fn retire_for_another_daemon_or_build_changes_nothing() {
    let lab = VersionsLab::new();
    let daemon = lab.connect(&[]);
    let pid = daemon.pid();
    for request in [format!("retire pid={} when=now", pid + 1), format!("retire pid={pid} build=0a when=now")] {
        assert_eq!(lab.ask(&request), "other", "{request}");
    }
    assert_eq!((lab.status("state").as_str(), lives(pid)), ("ready", true));
}

#[test]
fn retire_if_idle_does_nothing_to_a_daemon_with_a_client() {
    let lab = VersionsLab::new();
    let held = lab.hold("held", &[]);
    let pid = held.served.pid();
    assert_eq!(lab.ask(&format!("retire pid={pid} when=if_idle")), "busy clients=1 guards=0");
    assert_eq!(lab.status("state"), "ready");
    // The one client is the sender's own.
    assert_eq!(lab.ask(&format!("retire pid={pid} when=if_idle own=1")), "retiring");
    held.release();
    assert_ends(pid);
}

#[test]
fn daemon_that_retires_when_idle_exits_the_moment_its_last_client_leaves() {
    let lab = VersionsLab::new();
    let held = lab.hold("held", &[]);
    let pid = held.served.pid();
    assert_eq!(lab.ask(&format!("retire pid={pid} when=idle")), "busy clients=1 guards=0");
    assert_eq!(lab.status("state"), "retiring");
    held.release();
    let began = Instant::now();
    assert_ends(pid);
    assert!(began.elapsed() < Duration::from_secs(5), "its idle time is ten minutes: {:?}", began.elapsed());
}

/// Promise 12.03: a daemon that retires loses no client.
#[test]
fn clients_that_come_while_daemons_retire_are_all_served() {
    const ROUNDS: usize = 25;
    let lab = VersionsLab::new();
    let first = lab.connect(&[]).pid();
    std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..2).map(|_| scope.spawn(|| (0..ROUNDS).map(|_| lab.connect(&[]).pid()).collect::<Vec<i32>>())).collect();
        let when = ["if_idle", "idle", "now"];
        let mut round = 0;
        while clients.iter().any(|client| !client.is_finished()) {
            retire_any(&lab, when[round % when.len()]);
            round += 1;
        }
        let pids: Vec<i32> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        assert!(pids.iter().any(|pid| *pid != first), "no daemon has retired in {round} rounds");
    });
}

/// Asks the daemon that is there, if one is, to retire.
fn retire_any(lab: &VersionsLab, when: &str) {
    let Ok(mut stream) = UnixStream::connect(lab.lab.path("agent.agent/control")) else { return };
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut pong = [0; 64];
    let Ok(length) = stream.write_all(b"ping\n").and_then(|()| stream.read(&mut pong)) else { return };
    let pong = String::from_utf8_lossy(&pong[..length]).into_owned();
    let Some(pid) = pong.trim_end().strip_prefix("pong pid=") else { return };
    let _ = writeln!(stream, "retire pid={pid} when={when}");
    let _ = stream.read(&mut [0; 64]);
}

#[test]
fn requests_do_not_keep_the_daemon_from_its_idle_exit() {
    let lab = VersionsLab::new();
    let pid = lab.connect(&["idle=150"]).pid();
    let began = Instant::now();
    while lives(pid) && began.elapsed() < LONG {
        if let Ok(mut stream) = UnixStream::connect(lab.lab.path("agent.agent/control")) {
            let _ = stream.write_all(b"ping\nstatus\n");
            let _ = stream.read(&mut [0; 64]);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_ends(pid);
    assert!(began.elapsed() < LONG);
}

#[test]
fn flood_of_silent_and_endless_requests_keeps_no_client_from_being_served() {
    let lab = VersionsLab::new();
    let pid = lab.connect(&[]).pid();
    // More than the daemon serves at once: the others wait in the backlog.
    let flood: Vec<UnixStream> = (0..200).map(|_| lab.control()).collect();
    for mut stream in &flood {
        stream.set_nonblocking(true).unwrap();
        let _ = stream.write(&vec![b'x'; 64 << 10]);
    }
    let served = lab.connect(&[]);
    assert_eq!(served.pid(), pid);
    // Clients that sent too much are cut off, so that a further request is answered soon.
    drop(flood);
    assert_eq!(lab.ask("ping"), format!("pong pid={pid}"));
}
