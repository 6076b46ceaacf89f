//! An HTTP server that answers each request with its version and its pid, and ends in order when it gets SIGTERM.
//!
//! `serve:VERSION` serves on the sockets that it is passed (`LISTEN_FDS`); `serve:VERSION:127.0.0.1:80` makes a socket of its own with
//! `SO_REUSEPORT`. Each connection has a thread. In order means: it accepts no further connection, answers the next request of each
//! connection with `Connection: close`, and ends when there is none left, or after two seconds.

use crate::Result;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::{ReuseAddr, ReusePort};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage};
use nix::sys::socket::{bind, listen, setsockopt, socket};
use signal_hook::consts::SIGTERM;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// How long connections have after SIGTERM.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The state that all connections share.
struct Shared {
    text: String,
    is_draining: Arc<AtomicBool>,
    connections: AtomicUsize,
}

pub(crate) fn serve(value: &str) -> Result {
    let (version, address) = value.split_once(':').map_or((value, None), |(version, address)| (version, Some(address)));
    let listeners = match address {
        Some(address) => vec![own_socket(address.parse()?)?],
        None => passed_sockets()?,
    };
    let shared = Arc::new(Shared {
        text: format!("{version} {}", std::process::id()),
        is_draining: Arc::default(),
        connections: AtomicUsize::new(0),
    });
    let (stop, stopped) = UnixStream::pair()?;
    signal_hook::flag::register(SIGTERM, Arc::clone(&shared.is_draining))?;
    signal_hook::low_level::pipe::register(SIGTERM, stopped)?;
    println!("serving");
    if std::env::var_os("NOTIFY_SOCKET").is_some() {
        crate::rare::send("READY=1")?;
    }
    accept(&listeners, &stop, &shared)?;
    drop(listeners);
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    while shared.connections.load(SeqCst) > 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    println!("drained, {} connections left", shared.connections.load(SeqCst));
    Ok(())
}

/// Takes the sockets from 3 on, as `sd_listen_fds(3)` does. They are shared with other instances: another one may take a connection
/// between poll(2) and accept(2), so that accept(2) must not block.
fn passed_sockets() -> Result<Vec<OwnedFd>> {
    let number = |name: &str| Ok::<i32, Box<dyn std::error::Error>>(std::env::var(name)?.parse()?);
    assert_eq!(number("LISTEN_PID")?.unsigned_abs(), std::process::id(), "sockets for another process");
    let names = std::env::var("LISTEN_FDNAMES")?;
    let count = number("LISTEN_FDS")?;
    assert_eq!(names.split(':').count(), usize::try_from(count)?, "{names}");
    (3..3 + count).map(look::sys::own_passed_fd).map(nonblocking).collect()
}

fn nonblocking(fd: OwnedFd) -> Result<OwnedFd> {
    let listener = TcpListener::from(fd);
    listener.set_nonblocking(true)?;
    Ok(listener.into())
}

fn own_socket(address: SocketAddr) -> Result<OwnedFd> {
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    setsockopt(&fd, ReuseAddr, &true)?;
    setsockopt(&fd, ReusePort, &true)?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&fd, Backlog::MAXALLOWABLE)?;
    Ok(fd)
}

/// Accepts connections until the signal comes.
fn accept(listeners: &[OwnedFd], stop: &UnixStream, shared: &Arc<Shared>) -> Result {
    while !shared.is_draining.load(SeqCst) {
        let fds = listeners.iter().map(AsFd::as_fd).chain([stop.as_fd()]);
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, PollTimeout::NONE) {
            Err(nix::Error::EINTR) => continue,
            ready => ready?,
        };
        for listener in listeners {
            let Ok(fd) = nix::sys::socket::accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) else { continue };
            let (shared, fd) = (Arc::clone(shared), look::sys::own_passed_fd(fd));
            shared.connections.fetch_add(1, SeqCst);
            thread::spawn(move || {
                // The client may have gone.
                let _ = answer(fd, &shared);
                shared.connections.fetch_sub(1, SeqCst);
            });
        }
    }
    Ok(())
}

/// Answers the requests of a connection, until either side closes it.
fn answer(fd: OwnedFd, shared: &Shared) -> std::io::Result<()> {
    let stream = std::fs::File::from(fd);
    let mut lines = BufReader::new(&stream);
    loop {
        let (mut closes, mut line) = (false, String::new());
        while lines.read_line(&mut line)? > 2 {
            closes |= line.eq_ignore_ascii_case("connection: close\r\n");
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        closes |= shared.is_draining.load(SeqCst);
        let connection = if closes { "close" } else { "keep-alive" };
        let (text, length) = (&shared.text, shared.text.len());
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n{text}");
        (&stream).write_all(head.as_bytes())?;
        if closes {
            return Ok(());
        }
    }
}
