use super::super::acceptor::Acceptor;
use super::super::admission::Admission;
use super::super::lifecycle::LifecycleStage;
use super::super::listeners::Listeners;
use super::*;
use crate::directory::{Directory, LEAVING, SOCKET};
use crate::greeting::Greeting;
use crate::server::Next;
use daemonize_core::attach::{Handle, ProcessControl};
use daemonize_sys::Pid;
use daemonize_sys::mutex::lock;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tempfile::TempDir;

/// The activity and the queue belong to the process.
static SERIAL: Mutex<()> = Mutex::new(());

#[derive(Default)]
struct Process(AtomicBool);

impl ProcessControl for Process {
    fn stop(&self) {
        self.0.store(true, SeqCst);
    }

    fn is_stopping(&self) -> bool {
        self.0.load(SeqCst)
    }
}

/// A daemon whose acceptor is called by the test.
struct Fixture {
    acceptor: Acceptor,
    process: Arc<Process>,
    directory: TempDir,
    _serial: MutexGuard<'static, ()>,
}

impl Fixture {
    fn new() -> Fixture {
        let serial = lock(&SERIAL);
        let directory = tempfile::tempdir().unwrap();
        let pidfile = directory.path().join("agent.pid");
        let listeners = Listeners::bind(&Directory::beside(&pidfile)).unwrap();
        let process = Arc::new(Process::default());
        let handle = Handle::foreground("agent", pidfile, Vec::new(), Arc::clone(&process) as Arc<dyn ProcessControl>);
        let admission = Admission::new(Greeting::new("agent", Pid::this()), 8);
        QUEUE.open();
        let mut acceptor = Acceptor::new(listeners, admission, handle);
        acceptor.follow(LifecycleStage::Ready);
        Fixture { acceptor, process, directory, _serial: serial }
    }

    fn connect(&self, name: &str) -> BufReader<UnixStream> {
        let stream = UnixStream::connect(self.directory.path().join("agent.agent").join(name)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        BufReader::new(stream)
    }

    fn has(&self, name: &str) -> bool {
        self.directory.path().join("agent.agent").join(name).exists()
    }

    fn has_stopped(&self) -> bool {
        self.process.0.load(SeqCst)
    }
}

fn greeting(client: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    line
}

#[test]
fn exit_without_a_client_hides_the_socket_and_stops_the_daemon() {
    let mut fixture = Fixture::new();
    assert!(fixture.acceptor.leave(&|| true));
    assert!(fixture.has_stopped() && !fixture.has(SOCKET) && fixture.has(LEAVING));
    assert!(matches!(QUEUE.next(), Next::Closed));
}

#[test]
fn client_in_the_backlog_cancels_the_exit_and_is_served() {
    let mut fixture = Fixture::new();
    let mut client = fixture.connect(SOCKET);
    assert!(!fixture.acceptor.leave(&|| panic!("a client waits")));
    assert!(!fixture.has_stopped() && fixture.has(SOCKET) && !fixture.has(LEAVING));
    assert!(greeting(&mut client).contains("state=ready clients=1"));
    assert!(matches!(QUEUE.next(), Next::Client(_)));
    assert!(fixture.acceptor.leave(&|| activity::is_inactive(0)));
}

#[test]
fn guard_taken_after_the_check_cancels_the_exit() {
    let mut fixture = Fixture::new();
    let guard = activity::busy();
    assert!(!fixture.acceptor.leave(&|| activity::is_inactive(0)));
    assert!(!fixture.has_stopped() && fixture.has(SOCKET));
    drop(guard);
    assert!(fixture.acceptor.leave(&|| activity::is_inactive(0)));
}

/// A client that has looked up the name before the rename, and connects after the last accept.
#[test]
fn client_that_comes_after_the_decision_is_not_greeted_as_ready() {
    let mut fixture = Fixture::new();
    assert!(fixture.acceptor.leave(&|| true));
    let mut client = fixture.connect(LEAVING);
    drop(fixture);
    let mut line = String::new();
    let ended = client.read_line(&mut line);
    assert!(line.is_empty(), "{line}");
    assert!(matches!(ended, Ok(0)) || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
}

#[test]
fn socket_of_a_later_daemon_is_neither_hidden_nor_removed() {
    let mut fixture = Fixture::new();
    let place = Directory::beside(&fixture.directory.path().join("agent.pid"));
    let later = Listeners::bind(&place).unwrap();
    assert!(fixture.acceptor.leave(&|| true));
    fixture.acceptor.listeners.remove_names();
    assert!(fixture.has(SOCKET) && fixture.has("control"));
    fs::remove_file(fixture.directory.path().join("agent.agent").join(SOCKET)).unwrap();
    drop(later);
}

/// Clients of a passed socket, which is not hidden, could otherwise keep the acceptor from all else.
#[test]
fn exit_that_clients_cancel_leaves_the_acceptor_after_a_limited_number_of_them() {
    let mut fixture = Fixture::new();
    let clients: Vec<_> = (0..100).map(|_| fixture.connect(SOCKET)).collect();
    assert!(!fixture.acceptor.leave(&|| true) && !fixture.has_stopped());
    let was_greeted = |client: &&BufReader<UnixStream>| {
        client.get_ref().set_nonblocking(true).unwrap();
        client.get_ref().read(&mut [0; 1]).is_ok()
    };
    let greeted = clients.iter().filter(was_greeted).count();
    assert!((1..100).contains(&greeted), "{greeted}");
    while QUEUE.len() > 0 {
        drop(QUEUE.next());
    }
}
