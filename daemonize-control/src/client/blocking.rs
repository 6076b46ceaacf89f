//! One connection of a blocking client, with a deadline for all that happens on it.

use super::error::{Error, ErrorKind, Result, cause};
use super::reply::{cut_off, not_http};
use super::target::{Found, Obstacles, Target};
use super::trust::{self, Secret};
use super::wire::{Reply, Request, Whole};
use crate::address::Address;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt::SendTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest timeout of a socket that every target can express, in microseconds: `time_t` has 32 bits on some.
const LONGEST_MICROS: i64 = i32::MAX as i64 * 1_000_000;

/// A connection to a daemon that is known to be the right one.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    host: String,
    token: Option<Secret>,
    /// The endpoint has closed it before it had read the whole request.
    pub(crate) unread: bool,
}

#[derive(Debug)]
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// A whole call: one request on one connection, and its reply.
pub(crate) fn call(target: &Target, request: &Request) -> Result<Reply> {
    let deadline = target.deadline();
    let mut connection = Connection::open(target, request, deadline)?;
    let mut whole = Whole::default();
    let mut piece = [0; 8192];
    loop {
        let length = connection.read(&mut piece, Some(deadline), target, request)?;
        if length == 0 {
            return whole.close().ok_or_else(|| cut_off(request, whole.reader.is_untouched(), connection.unread));
        }
        if let Some(reply) = whole.push(&piece[..length]).map_err(|why| not_http(request, why))? {
            return Ok(reply);
        }
    }
}

impl Connection {
    /// Connects to the daemon, makes sure that it is the daemon, and sends the request.
    pub(crate) fn open(target: &Target, request: &Request, deadline: Instant) -> Result<Connection> {
        let found = target.find()?;
        let mut connection = match Connection::connect(&found, target.timeout, deadline) {
            // Who listens in place of one that has gone is whoever came after it.
            Err(error) if error.kind() == ErrorKind::Untrusted => {
                return Err(target.is_still(&found).err().unwrap_or(error));
            }
            connection => connection?,
        };
        target.is_still(&found)?;
        let bytes = request.bytes(&connection.host, connection.token.as_ref());
        let sent = connection.stream.set_timeout(deadline).and_then(|()| connection.stream.write_all(&bytes));
        match sent {
            // It may have answered without reading all of it.
            Err(error) if is_closed(&error) => connection.unread = connection.stream.is_unix(),
            other => other.map_err(|error| failed(target, request, &error))?,
        }
        Ok(connection)
    }

    /// Through the first address that leads somewhere.
    fn connect(found: &Found, timeout: Duration, deadline: Instant) -> Result<Connection> {
        let mut obstacles = Obstacles::default();
        for address in &found.addresses {
            let connected = match address {
                Address::Unix(path) => connect_unix(path, deadline).map(Stream::Unix),
                Address::Tcp(address) => connect_tcp(*address, deadline).map(Stream::Tcp),
            };
            match connected {
                Ok(stream) => {
                    return Connection::trusted(stream, address, found).map_err(|error| obstacles.before(found, error));
                }
                Err(error) if is_timeout(&error) => {
                    let why = format!("no connection within {timeout:?}");
                    return Err(found.failed(ErrorKind::Timeout, why));
                }
                Err(error) => obstacles.add(&error),
            }
        }
        Err(obstacles.all(found))
    }

    fn trusted(stream: Stream, address: &Address, found: &Found) -> Result<Connection> {
        let (host, token) = match (&stream, address) {
            (Stream::Unix(stream), _) => {
                trust::check_peer(stream, found)?;
                ("localhost".to_owned(), None)
            }
            (Stream::Tcp(_), Address::Tcp(address)) => {
                trust::check_listener(*address, found)?;
                (address.to_string(), trust::token(&found.token_file(), found)?)
            }
            (Stream::Tcp(_), Address::Unix(_)) => unreachable!("a socket of its own kind"),
        };
        Ok(Connection { stream, host, token, unread: false })
    }

    /// Waits for more bytes, at most until the deadline; zero at the end.
    pub(crate) fn read(
        &mut self,
        piece: &mut [u8],
        deadline: Option<Instant>,
        target: &Target,
        request: &Request,
    ) -> Result<usize> {
        loop {
            let read = match deadline {
                Some(deadline) => self.stream.set_timeout(deadline),
                None => self.stream.wait_for_ever(),
            };
            match read.and_then(|()| self.stream.read(piece)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    self.unread = self.stream.is_unix();
                    return Ok(0);
                }
                Err(error) => return Err(failed(target, request, &error)),
                Ok(length) => return Ok(length),
            }
        }
    }
}

impl Stream {
    fn is_unix(&self) -> bool {
        matches!(self, Stream::Unix(_))
    }

    fn set_timeout(&self, deadline: Instant) -> io::Result<()> {
        let left = left(deadline)?;
        match self {
            Stream::Unix(stream) => stream.set_read_timeout(Some(left)).and(stream.set_write_timeout(Some(left))),
            Stream::Tcp(stream) => stream.set_read_timeout(Some(left)).and(stream.set_write_timeout(Some(left))),
        }
    }

    fn wait_for_ever(&self) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.set_read_timeout(None),
            Stream::Tcp(stream) => stream.set_read_timeout(None),
        }
    }

    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.read(piece),
            Stream::Tcp(stream) => stream.read(piece),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.write_all(bytes),
            Stream::Tcp(stream) => stream.write_all(bytes),
        }
    }
}

/// `connect(2)` with `SO_SNDTIMEO`, which also bounds how long it waits for room among those not accepted yet. A signal
/// that comes meanwhile does not count.
fn connect_unix(path: &Path, deadline: Instant) -> io::Result<UnixStream> {
    let socket: OwnedFd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let address = UnixAddr::new(path)?;
    loop {
        let left = left(deadline)?;
        let micros = i64::try_from(left.as_micros()).map_or(LONGEST_MICROS, |micros| micros.min(LONGEST_MICROS));
        setsockopt(&socket, SendTimeout, &TimeVal::microseconds(micros))?;
        match connect(socket.as_raw_fd(), &address) {
            Err(Errno::EINTR) => {}
            other => return other.map(|()| UnixStream::from(socket)).map_err(io::Error::from),
        }
    }
}

fn connect_tcp(address: SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What is left until the deadline; never zero, which would mean "for ever".
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left.max(Duration::from_millis(1))) }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Whether whoever is at the other end has closed it.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

fn failed(target: &Target, request: &Request, error: &io::Error) -> Error {
    if is_timeout(error) {
        return timed_out(target, request);
    }
    Error::failed(ErrorKind::Reply, "ask for", request.route(), cause(error))
}

/// The call took longer than it may.
pub(crate) fn timed_out(target: &Target, request: &Request) -> Error {
    let why = format!("no answer within {:?}", target.timeout);
    Error::failed(ErrorKind::Timeout, "ask for", request.route(), why)
}
