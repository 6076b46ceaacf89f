//! Processes that impersonate a daemon by its pidfile or its address.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use daemon::PidFile;
use look::Deadline;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket;

/// Accepts connections at an address, and writes what it receives to an existing file, after a line that reports that it listens.
pub(crate) fn listen(kind: &str, address: &str, log: &str) {
    let mut log = OpenOptions::new().append(true).open(log).expect("a log");
    if kind == "tcp" {
        let listener = TcpListener::bind(address).expect("a port");
        let own = listener.local_addr().expect("an address");
        write_line(&mut log, &format!("listens {own}"));
        listener.incoming().for_each(|stream| hear(stream.expect("a connection"), &mut log));
    } else {
        let listener = UnixListener::bind(address).expect("a socket");
        fs::set_permissions(address, fs::Permissions::from_mode(0o777)).expect("a mode");
        write_line(&mut log, &format!("listens {address}"));
        listener.incoming().for_each(|stream| hear(stream.expect("a connection"), &mut log));
    }
}

fn hear(mut stream: impl Read, log: &mut fs::File) {
    write_line(log, "connected");
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    write_line(log, &format!("heard {} bytes: {}", all.len(), String::from_utf8_lossy(&all).escape_debug()));
}

/// Writes a line in one call, so that a test that reads the log meanwhile sees all of the line or none of it.
fn write_line(log: &mut fs::File, line: &str) {
    log.write_all(format!("{line}\n").as_bytes()).expect("a line");
}

/// Runs as a daemon that no client can connect to until the file `go` of the lab exists; it then records the bytes that it receives.
pub(crate) fn crowd(pidfile: &str) {
    let (listener, path) = socket();
    socket::listen(&listener, socket::Backlog::new(0).expect("a number")).expect("a listener");
    // Fills the backlog, which has one slot.
    let first = UnixStream::connect(&path).expect("a connection");
    let _pidfile = sealed(pidfile, &[format!("unix://{path}")]);
    let mut log = OpenOptions::new().create(true).append(true).open(look::in_lab("log")).expect("a log");
    let go = look::in_lab("go");
    look::until(&go, Deadline::after(Duration::from_secs(20)), || go.exists().then_some(())).expect("a sign to go");
    drop(first);
    listener.incoming().for_each(|stream| hear(stream.expect("a connection"), &mut log));
}

/// Runs as a daemon that ends when a client has connected, after it has read `how` many bytes of the request, or `all`; or
/// that only closes the connection, and `stays`.
pub(crate) fn leave(pidfile: &str, how: &str) {
    let (listener, path) = socket();
    let _pidfile = sealed(pidfile, &[format!("unix://{path}")]);
    if how == "0" {
        let mut waits = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        poll(&mut waits, PollTimeout::from(20_000_u16)).expect("a connection");
        return;
    }
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut read = vec![0; how.parse().unwrap_or(4096)];
    if how == "all" || how == "stays" {
        // Ends the body.
        let mut length = 0;
        while !read[..length].ends_with(b"}") {
            length += stream.read(&mut read[length..]).expect("a request");
        }
    } else {
        stream.read_exact(&mut read).expect("so much");
    }
    drop(stream);
    if how == "stays" {
        thread::sleep(Duration::from_secs(1000));
    }
}

/// Returns a socket in the lab.
pub(crate) fn socket() -> (UnixListener, String) {
    let path = look::in_lab("socket").to_str().expect("a path of ours").to_owned();
    let _ = fs::remove_file(&path);
    (UnixListener::bind(&path).expect("a socket"), path)
}

pub(crate) fn sealed(pidfile: &str, addresses: &[String]) -> PidFile {
    let pidfile = PidFile::acquire(pidfile, Duration::ZERO).and_then(|lock| lock.seal_with(addresses));
    pidfile.expect("a pidfile")
}

/// Runs with a pidfile that names addresses of other processes.
pub(crate) fn seal(pidfile: &str, addresses: &[&str]) {
    let addresses: Vec<String> = addresses.iter().map(|&address| address.to_owned()).collect();
    let _pidfile = sealed(pidfile, &addresses);
    println!("sealed");
    thread::sleep(Duration::from_secs(1000));
}

/// Holds the lock of a pidfile for a given time, and does not write the pidfile.
pub(crate) fn lock(pidfile: &str, milliseconds: usize) {
    let _lock = PidFile::acquire(pidfile, Duration::ZERO).expect("a lock");
    println!("locked");
    thread::sleep(Duration::from_millis(milliseconds as u64));
}
