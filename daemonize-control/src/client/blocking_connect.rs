//! Connects the sockets of the blocking client, and reads its event streams.

use super::connection::Connect;
use super::error::{Error, ErrorKind, Result, cause};
use super::event_stream::EventStream;
use super::poller::Poller;
use super::reply;
use super::request::Request;
use super::response::timed_out;
use super::server_sent_events::Published;
use super::socket::ClientSocket;
use super::target::{Target, after};
use crate::address::Address;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt::SendTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike};
use serde_json::Value;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Maximum timeout of a socket in microseconds. `time_t` has 32 bits on some targets.
const MAX_TIMEOUT_MICROS: i64 = i32::MAX as i64 * 1_000_000;

/// Sends a request, and returns the value of the reply.
pub(super) fn call(target: &Target, request: &Request) -> Result<Value> {
    let connector = BlockingConnector::new(target);
    connector.run(target, request, reply::call(&connector, target, request))
}

/// Connects sockets for one call.
struct BlockingConnector {
    poller: Arc<Poller>,
    deadline: Instant,
}

impl BlockingConnector {
    fn new(target: &Target) -> BlockingConnector {
        BlockingConnector { poller: Arc::default(), deadline: target.deadline() }
    }

    /// Runs the call until it returns or its deadline passes.
    fn run<T>(&self, target: &Target, request: &Request, call: impl Future<Output = Result<T>>) -> Result<T> {
        match self.poller.block_on(Some(self.deadline), call) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(timed_out(target, request)),
            other => other.map_err(|error| poll_failed(request, &error))?,
        }
    }
}

impl Connect for BlockingConnector {
    async fn connect(&self, address: &Address) -> io::Result<Box<dyn ClientSocket>> {
        let socket = match address {
            Address::Unix(path) => connect_unix(path, self.deadline)?,
            Address::Tcp(address) => connect_tcp(*address, self.deadline)?,
        };
        Ok(Box::new(self.poller.socket(socket)))
    }
}

/// Connects with `SO_SNDTIMEO`, which also bounds how long `connect(2)` waits while the backlog of the listener is full.
fn connect_unix(path: &Path, deadline: Instant) -> io::Result<OwnedFd> {
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let address = UnixAddr::new(path)?;
    loop {
        let micros = i64::try_from(time_left(deadline)?.as_micros()).unwrap_or(MAX_TIMEOUT_MICROS);
        setsockopt(&socket, SendTimeout, &TimeVal::microseconds(micros.min(MAX_TIMEOUT_MICROS)))?;
        match connect(socket.as_raw_fd(), &address) {
            Ok(()) => return Ok(socket),
            // A signal handler that ran does not end the call.
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Err(io::ErrorKind::TimedOut.into()),
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn connect_tcp(address: SocketAddr, deadline: Instant) -> io::Result<OwnedFd> {
    let stream = TcpStream::connect_timeout(&address, time_left(deadline)?)?;
    stream.set_nodelay(true)?;
    Ok(stream.into())
}

/// Returns the time until the deadline, which is never zero: `SO_SNDTIMEO` takes zero for "no limit" (`socket(7)`).
fn time_left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left.max(Duration::from_millis(1))) }
}

fn poll_failed(request: &Request, error: &io::Error) -> Error {
    Error::failed(ErrorKind::Reply, "wait for the response to", request.route(), cause(error))
}

/// An iterator over what the daemon publishes; it ends when the daemon exits.
///
/// `next` blocks until an event is published; [`next_within`](Events::next_within) waits for a given time at most. At most
/// 64 KiB are read ahead. An event that is larger than 1 MiB, or has more than 1048576 JSON values, is an error (`Reply`) that
/// ends the stream.
pub struct Events {
    poller: Arc<Poller>,
    stream: EventStream,
}

impl Events {
    /// Connects, and returns when the endpoint has begun to respond. Events that are published later are in the stream.
    pub(super) fn open(target: &Target, route: &str) -> Result<Events> {
        let request = Request::stream(route)?;
        let connector = BlockingConnector::new(target);
        let stream = connector.run(target, &request, EventStream::open(&connector, target, &request))?;
        Ok(Events { poller: connector.poller, stream })
    }

    /// Returns the next event if it comes within `time`; `Ok(None)` if none does, or when the stream has ended.
    ///
    /// # Errors
    /// The stream is not HTTP, or an event is larger than 1 MiB (`Reply`).
    pub fn next_within(&mut self, time: Duration) -> Result<Option<Published>> {
        self.advance(Some(after(time)))
    }

    /// Returns `true` if the stream has ended: the daemon has stopped.
    pub fn has_ended(&self) -> bool {
        self.stream.has_ended()
    }

    fn advance(&mut self, deadline: Option<Instant>) -> Result<Option<Published>> {
        match self.poller.block_on(deadline, poll_fn(|context| self.stream.poll_next(context))) {
            Ok(published) => published.transpose(),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(None),
            Err(error) => Err(poll_failed(self.stream.request(), &error)),
        }
    }
}

impl Iterator for Events {
    type Item = Result<Published>;

    fn next(&mut self) -> Option<Result<Published>> {
        self.advance(None).transpose()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("has_ended", &self.has_ended()).finish_non_exhaustive()
    }
}
