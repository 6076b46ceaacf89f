//! Clients send nothing, in particular not the token, to a process that is not the daemon.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;

use look::{Lab, Running};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::Signal;

use crate::client::daemon;
use crate::instance_helpers::{EVENT_TIMEOUT, client, freeze, lab, needs_root, wait_for_state};

/// Promise 5.09. After `kill -9` another process takes the port. The daemon is dead, so no client connects.
#[test]
fn process_on_the_port_of_a_dead_daemon_receives_nothing() {
    let lab = shared_lab();
    let daemon = daemon(&lab, &["tcp"]);
    let port = port(&lab, "d.pid");
    let token = lab.read("d.control/token");
    client(&lab, "d.pid", &["get", "/"]).ok();
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("SIGKILL was survived");
    let fake = fake(&lab, "tcp", &port);
    for kind in [&[][..], &["async"]] {
        client(&lab, "d.pid", &[kind, &["get", "/"]].concat()).exits(5).says(&["NotRunning", "it is dead"]);
    }
    assert_eq!(lab.read("fake.log").lines().count(), 1, "a client connected: {}", lab.read("fake.log"));
    assert!(token.trim().len() == 64 && !lab.read("fake.log").contains(token.trim()));
    fake.signal(Signal::SIGKILL);
    fake.finish();
}

/// Promise 5.09. The daemon runs, but another process has the port: clients connect, and send nothing.
#[test]
fn other_user_on_the_port_of_a_running_daemon_receives_nothing() {
    let lab = shared_lab();
    let fake = fake(&lab, "tcp", "127.0.0.1:0");
    let port = lab.read("fake.log").trim().trim_start_matches("listens ").to_owned();
    let seal = seal(&lab, &format!("http://{port}"));
    fs::create_dir(lab.path("f.control")).expect("a directory");
    lab.write("f.control/token", "5ec2e7");
    for kind in [&[][..], &["async"]] {
        let refused = client(&lab, "f.pid", &[kind, &["event", "echo", "null"]].concat()).exits(5);
        refused.says(&["Untrusted", "user 65534 listens in place of user 0"]);
    }
    let log = lab.wait_for("fake.log", EVENT_TIMEOUT, |log| log.matches("heard").count() == 2);
    assert_eq!(log.matches("heard 0 bytes").count(), 2, "{log}");
    for program in [fake, seal] {
        program.signal(Signal::SIGKILL);
        program.finish();
    }
}

/// Promise 5.09. The same at a Unix socket: the kernel says that another process listens there, of whatever user.
#[test]
fn other_process_on_the_socket_of_a_running_daemon_receives_nothing() {
    for user in ["65534", "0"] {
        let lab = shared_lab();
        let socket = lab.path("socket");
        let fake = fake_as(&lab, user, "unix", socket.to_str().expect("a path of ours"));
        let seal = seal(&lab, &format!("unix://{}", socket.display()));
        for kind in [&[][..], &["async"]] {
            let refused = client(&lab, "f.pid", &[kind, &["event", "echo", "null"]].concat()).exits(5);
            refused.says(&["Untrusted", &format!("listens in place of pid {}", seal.process().id())]);
        }
        let log = lab.wait_for("fake.log", EVENT_TIMEOUT, |log| log.matches("heard").count() == 2);
        assert_eq!(log.matches("heard 0 bytes").count(), 2, "{log}");
        for program in [fake, seal] {
            program.signal(Signal::SIGKILL);
            program.finish();
        }
    }
}

/// Promise 5.09. Between the connection and the request, another process takes the daemon's place. It receives nothing.
#[test]
fn daemon_replaced_during_the_call_receives_nothing() {
    for kind in [&[][..], &["async"]] {
        let lab = lab();
        let new = lab.helper(&["seal", "new.pid", "unix:///no/socket"]).spawn();
        lab.wait_for("new.pid", EVENT_TIMEOUT, |text| text.lines().count() == 3);
        let (old, client) = crowd(&lab, &[kind, &["event", "echo", "null"]].concat());
        fs::rename(lab.path("new.pid"), lab.path("f.pid")).expect("a pidfile");
        lab.write("go", "");
        client.finish().exits(5).says(&["Unreachable", "another daemon has taken its place meanwhile"]);
        let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.matches("heard").count() == 2);
        assert_eq!(log.matches("heard 0 bytes").count(), 2, "{log}");
        for program in [old, new] {
            program.signal(Signal::SIGKILL);
            program.finish();
        }
    }
}

/// A signal while the client waits for its connection does not end the call.
#[test]
fn signal_during_connect_does_not_end_the_call() {
    let lab = lab();
    let (daemon, client) = crowd(&lab, &["event", "echo", "null"]);
    wait_for_state(client.process(), 'S');
    freeze(client.process());
    client.signal(Signal::SIGCONT);
    lab.write("go", "");
    client.finish().exits(5).says(&["Timeout", "no response within 2s"]);
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("POST /event"));
    daemon.signal(Signal::SIGKILL);
    daemon.finish();
}

/// Returns a daemon that does not accept yet, and a client that has read its pidfile and is about to connect.
fn crowd<'lab>(lab: &'lab Lab, call: &[&str]) -> (Running<'lab>, Running<'lab>) {
    let daemon = lab.helper(&["crowd", "f.pid"]).spawn();
    lab.wait_for("f.pid", EVENT_TIMEOUT, |text| text.lines().count() == 3);
    let watch = Inotify::init(InitFlags::IN_CLOEXEC).expect("inotify");
    watch.add_watch(&lab.path("f.pid"), AddWatchFlags::IN_CLOSE_NOWRITE).expect("a file that is there");
    let client = lab.helper(&["client", "f.pid"]).args(call).spawn();
    let mut read = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut read, PollTimeout::from(10_000_u16)), Ok(1), "no client reads the pidfile");
    (daemon, client)
}

/// Promise 5.09. A token in a file of another user, or behind a link, is not read.
#[test]
fn token_file_of_another_user_is_not_used() {
    let lab = shared_lab();
    let daemon = daemon(&lab, &["tcp"]);
    fs::remove_file(lab.path("d.control/socket")).expect("a socket");
    let token = lab.path("d.control/token");
    std::os::unix::fs::chown(&token, Some(65534), None).expect("a file of ours");
    client(&lab, "d.pid", &["get", "/"]).exits(5).says(&["failed to read token", "not a file of the daemon's user"]);
    fs::rename(&token, lab.path("moved")).expect("a file of ours");
    std::os::unix::fs::symlink(lab.path("moved"), &token).expect("a link");
    client(&lab, "d.pid", &["get", "/"]).exits(5).says(&["failed to read token", "symbolic links"]);
    // A file with a second hard link is not read either.
    fs::remove_file(&token).expect("a link");
    fs::hard_link(lab.path("moved"), &token).expect("a link");
    std::os::unix::fs::chown(&token, Some(0), None).expect("a file of ours");
    client(&lab, "d.pid", &["get", "/"]).exits(5).says(&["failed to read token", "not a file of the daemon's user"]);
    fs::remove_file(lab.path("moved")).expect("a link");
    client(&lab, "d.pid", &["get", "/"]).ok();
    daemon.signal(Signal::SIGTERM);
}

/// A lab that other users may use, too: they can execute the helper, and make sockets.
fn shared_lab() -> Lab {
    needs_root();
    let mut lab = lab();
    lab.bring_program();
    fs::create_dir(lab.path("shared")).expect("a directory");
    lab.write("fake.log", "");
    for (path, mode) in [("fake.log", 0o666), ("shared", 0o777)] {
        fs::set_permissions(lab.path(path), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    lab
}

fn fake<'lab>(lab: &'lab Lab, kind: &str, address: &str) -> Running<'lab> {
    fake_as(lab, "65534", kind, address)
}

/// Starts a process that listens, and records the bytes that it receives.
fn fake_as<'lab>(lab: &'lab Lab, user: &str, kind: &str, address: &str) -> Running<'lab> {
    let log = lab.path("fake.log");
    let setpriv = ["--reuid", user, "--regid", user, "--clear-groups", "--"];
    let address = address.replace("/socket", "/shared/socket");
    let fake = lab.command("setpriv", &setpriv).arg(lab.program()).args(["listen", kind, &address]).arg(log).spawn();
    lab.wait_for("fake.log", EVENT_TIMEOUT, |log| log.contains("listens") && log.ends_with('\n'));
    fake
}

/// Starts a process with a pidfile that names this address.
fn seal<'lab>(lab: &'lab Lab, address: &str) -> Running<'lab> {
    let address = address.replace("/socket", "/shared/socket");
    let seal = lab.helper(&["seal", "f.pid", &address]).spawn();
    lab.wait_for("f.pid", EVENT_TIMEOUT, |text| text.lines().count() == 3);
    seal
}

/// Returns the port in the pidfile.
fn port(lab: &Lab, pidfile: &str) -> String {
    let text = lab.read(pidfile);
    let port = text.lines().find_map(|line| line.strip_prefix("http://"));
    port.unwrap_or_else(|| panic!("no port: {text}")).to_owned()
}
