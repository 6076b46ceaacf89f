//! Blocking clients: the fast path, starts, failures, listeners that are no daemon, and the deadline.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use look::Lab;

use crate::common::{EVENT_TIMEOUT, lab};

/// The directory of the sockets.
const AGENT: &str = "agent.agent";

/// A user that is not root.
const STRANGER: u32 = 4711;

/// Runs one client.
fn client(lab: &Lab, keys: &[&str]) -> look::Outcome {
    lab.helper(&["client", "once"]).args(keys).run()
}

/// Listens in the place of the daemon, and treats each client with `serve`. Returns the number of clients so far.
fn listen(lab: &Lab, serve: impl Fn(UnixStream) + Send + Sync + 'static) -> Arc<AtomicUsize> {
    fs::DirBuilder::new().mode(0o700).create(lab.path(AGENT)).expect("a directory");
    let listener = UnixListener::bind(lab.path("agent.agent/socket")).expect("a socket");
    let clients = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&clients);
    thread::spawn(move || {
        for client in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            serve(client.expect("a client"));
        }
    });
    clients
}

/// Sends this to each client, and keeps the connection open.
fn says(lab: &Lab, text: &'static [u8]) -> Arc<AtomicUsize> {
    listen(lab, move |mut client| {
        let _ = client.write_all(text);
        std::mem::forget(client);
    })
}

/// Promise 12.01.
#[test]
fn client_of_no_daemon_starts_it_and_the_next_one_finds_it() {
    let lab = lab();
    let pid = client(&lab, &[]).ok().number("served");
    client(&lab, &["times=3"]).ok().prints(&[&format!("served {pid} found\n").repeat(3)]);
    assert_eq!(lab.read("starts"), format!("{pid}\n"));
}

#[test]
fn client_launched_by_fork_starts_the_daemon() {
    let lab = lab();
    let pid = client(&lab, &["launch=fork"]).ok().number("served");
    client(&lab, &["launch=fork"]).ok().prints(&[&format!("served {pid} found\n")]);
}

#[test]
fn client_with_threads_that_forks_gets_the_error_of_the_launch() {
    let lab = lab();
    lab.helper(&["client", "threads", "launch=fork", "clients=2"]).run().exits(2).says(&["Threads", "thread"]);
    assert!(lab.read("starts").is_empty());
}

#[test]
fn failed_start_reaches_its_client_with_kind_and_cause() {
    let lab = lab();
    lab.write("fail", "");
    client(&lab, &["body=fails"]).exits(4).says(&["Body: failed to start: the body failed: no cache directory"]);
    client(&lab, &[]).ok().prints(&["started"]);
}

#[test]
fn deadline_undoes_the_start_and_says_so() {
    let lab = lab();
    client(&lab, &["body=hangs", "timeout=400"]).exits(2).says(&["NotReady"]);
    lab.quiet(EVENT_TIMEOUT).expect("the start is undone");
    assert!(!lab.path("agent.pid").exists());
}

#[test]
fn daemon_that_returns_without_serving_is_not_started_without_end() {
    let lab = lab();
    client(&lab, &["body=returns", "timeout=1500"]).exits(2).says(&["NotReady", "but does not listen"]);
    let starts = lab.read("starts").lines().count();
    assert!((2..=12).contains(&starts), "{starts}");
}

/// D1: the start takes the place of what a killed daemon has left.
#[test]
fn stale_socket_of_a_killed_daemon_is_replaced() {
    let lab = lab();
    let first = client(&lab, &[]).ok().number("served");
    let daemon = lab.daemon("agent.pid");
    daemon.signal(nix::sys::signal::Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("it is killed");
    assert!(lab.path("agent.agent/socket").exists());
    assert_ne!(client(&lab, &[]).ok().number("served"), first);
}

/// D5: Promise 12.10.
#[test]
fn daemon_without_its_directory_is_stopped_and_replaced() {
    for lost in ["agent.agent", "agent.agent/socket"] {
        let lab = lab();
        let first = client(&lab, &[]).ok().number("served");
        let daemon = lab.daemon("agent.pid");
        let lost = lab.path(lost);
        if lost.is_dir() { fs::remove_dir_all(lost) } else { fs::remove_file(lost) }.expect("it is there");
        assert_ne!(client(&lab, &[]).ok().number("served"), first);
        assert!(!daemon.alive());
    }
}

/// Promise 12.01.
#[test]
fn listener_of_another_user_is_refused_and_receives_nothing() {
    let lab = lab();
    fs::DirBuilder::new().mode(0o700).create(lab.path(AGENT)).expect("a directory");
    lab.make_directory("open", STRANGER, 0o777);
    let (user, path) = (STRANGER.to_string(), lab.path("open"));
    let script = "import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1] + '/socket'); s.listen(); \
                  open(sys.argv[1] + '/listens', 'w').close(); c = s.accept()[0]; \
                  open(sys.argv[1] + '/heard.new', 'wb').write(c.recv(100)); \
                  os.rename(sys.argv[1] + '/heard.new', sys.argv[1] + '/heard')";
    let become_user = ["--reuid", &user, "--regid", &user, "--clear-groups", "python3", "-c", script];
    let stranger = lab.command("setpriv", &become_user).arg(&path).spawn();
    lab.wait_for("open/listens", EVENT_TIMEOUT, |_| true);
    fs::rename(lab.path("open/socket"), lab.path("agent.agent/socket")).expect("a socket");
    chown(lab.path("agent.agent/socket"), Some(0), Some(0)).expect("root");
    client(&lab, &[]).exits(2).says(&["Connect", "`agent`", &user]);
    assert_eq!(lab.wait_for("open/heard", EVENT_TIMEOUT, |_| true), "");
    stranger.finish().ok();
    assert!(lab.read("starts").is_empty());
}

/// Promise 12.01.
#[test]
fn directory_that_others_can_open_is_refused() {
    let lab = lab();
    listen(&lab, drop);
    fs::set_permissions(lab.path(AGENT), fs::Permissions::from_mode(0o755)).expect("it is ours");
    client(&lab, &[]).exits(5).says(&["Permission", "agent.agent", "0755"]);
    fs::set_permissions(lab.path(AGENT), fs::Permissions::from_mode(0o700)).expect("it is ours");
    chown(lab.path(AGENT), Some(STRANGER), None).expect("root");
    client(&lab, &[]).exits(5).says(&["Permission", "agent.agent", &STRANGER.to_string()]);
}

#[test]
fn another_thing_than_a_greeting_is_refused_at_once() {
    let line = b"daemonic/1 name=other pid=7 protocol=1 state=ready clients=1\n";
    let escape = b"daemonic/1 name=a%1B[2J pid=7 protocol=1 state=ready clients=1\n";
    for (text, why) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "greeting"),
        (&[b'x'; 4096], "512 bytes"),
        (line, "`other` (pid 7)"),
        (escape, "u{1b}[2J"),
    ] {
        let lab = lab();
        let clients = says(&lab, text);
        let outcome = client(&lab, &[]).exits(2).says(&["Connect: failed to connect to `agent`", why]);
        assert!(outcome.took < EVENT_TIMEOUT && !outcome.stderr.contains('\x1b'), "{outcome}");
        assert_eq!(clients.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn peer_that_never_serves_is_given_up_at_the_deadline_without_spinning() {
    let half: &[u8] = b"daemonic/1 name=agent pid=7 proto";
    let full: &[u8] = b"daemonic/1 name=agent pid=7 protocol=1 state=full clients=9\n";
    let leaving: &[u8] = b"daemonic/1 name=agent pid=7 protocol=1 state=leaving clients=0\n";
    for (text, closes, why) in [
        (&b""[..], true, "closed the connection"),
        (half, true, "closed the connection"),
        (b"", false, "sent no greeting"),
        (half, false, "sent no greeting"),
        (full, true, "other clients"),
        (leaving, true, "pid 7 exits"),
    ] {
        let lab = lab();
        let clients = listen(&lab, move |mut client| {
            let _ = client.write_all(text);
            if !closes {
                std::mem::forget(client);
            }
        });
        let outcome = client(&lab, &["timeout=700"]).exits(2).says(&["NotReady: failed to connect to `agent`", why]);
        assert!(outcome.took >= Duration::from_millis(690), "{outcome}");
        let clients = clients.load(Ordering::Relaxed);
        assert!((1..40).contains(&clients), "{clients} attempts: {outcome}");
        assert!(lab.read("starts").is_empty());
    }
}

#[test]
fn failed_start_of_another_client_is_reported_with_its_cause() {
    let lab = lab();
    says(&lab, b"daemonic/1 name=agent pid=7 protocol=1 state=failed error=no%20cache%0Adirectory\n");
    client(&lab, &[]).exits(2).says(&["start by another client has failed", "no cache"]);
}

/// D3: see `docs/rules.md`.
#[test]
fn peer_that_closes_once_is_tried_again() {
    let lab = lab();
    let times = AtomicUsize::new(0);
    listen(&lab, move |mut client| {
        if times.fetch_add(1, Ordering::Relaxed) < 3 {
            return;
        }
        client.write_all(b"daemonic/1 name=agent pid=7 protocol=1 state=ready clients=1\n").expect("a client");
        let mut line = [0; 6];
        client.read_exact(&mut line).expect("a line");
        client.write_all(b"7 hello\n").expect("a client");
    });
    client(&lab, &["mismatch=keep"]).ok().prints(&["served 7 found"]);
}

/// Promise 12.10. Editors and build tools use up the instances of a user (`fs.inotify.max_user_instances`); here a namespace has none.
#[test]
fn daemon_without_its_socket_is_replaced_also_where_no_directory_can_be_watched() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let lab = lab();
    lab.run(&["client", "once"]).ok();
    let daemon = lab.daemon("agent.pid");
    fs::remove_file(lab.path("agent.agent/socket")).expect("a socket");
    let script = "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$D\" client once timeout=15000";
    let unshare = ["--user", "--map-root-user", "bash", "-c", script];
    lab.command("unshare", &unshare).env("D", lab.program()).run().ok().prints(&["started"]);
    assert!(!daemon.alive());
}
