//! Passes checked requests from a socket to hyper and responses back, each within its time limit.

use super::backpressure::IdleConnection;
use super::deadline::Deadline;
use super::peer_closed;
use super::shared::Shared;
use super::shutdown::Shutdown;
use super::socket::PeerSocket;
use super::strict_head::{Progress, StrictHead};
use crate::events::SlowRequestPermit;
use crate::refusal::Refusal;
use axum::http::StatusCode;
use daemonize_core::attach::Handle;
use hyper::rt::ReadBufCursor;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Maximum time from the first byte of a request to its last. For the first request it begins with the connection.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time that a connection waits for its next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time that a new connection has for the first byte of its first request while other connections wait for a permit.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum time that a peer may take to read the bytes of one write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Size of a read in bytes.
const READ_SIZE: usize = 2 * 1024;

pub(super) const TOO_SLOW: Refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request took longer than 5 s");

/// The request that hyper reads in place of a refused one; its service responds with the refusal.
const PLACEHOLDER: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// The socket of a connection, and the bytes received from it that have not been passed on yet.
pub(super) struct Wire<S> {
    pub(super) socket: S,
    requests: StrictHead,
    /// The deadline of the request that is being read, or of the wait for it.
    deadline: Deadline,
    /// The deadline is that of a request. The first request has it from the connection on, later ones only if they arrive in
    /// pieces.
    is_timed: bool,
    /// Time from which the connection may be asked to close while it waits for a request.
    evictable_from: Instant,
    /// Runs while a write waits for the peer.
    write_timeout: Option<Pin<Box<Sleep>>>,
    /// The refusal with which the connection ends, once hyper has read the placeholder.
    refusal: Option<Refusal>,
    kept: Option<KeptUntilSent>,
    idle: Arc<IdleConnection>,
    shared: Arc<Shared>,
}

/// The actions to take after a response has been written, or cannot be: the permit of a slow request is released, and a daemon
/// that was asked to stop is stopped.
pub(super) struct KeptUntilSent {
    pub(super) stops: Option<Handle>,
    pub(super) permit: SlowRequestPermit,
}

impl Drop for KeptUntilSent {
    fn drop(&mut self) {
        drop(self.permit.take());
        if let Some(daemon) = self.stops.take() {
            daemon.stop();
        }
    }
}

impl<S: PeerSocket> Wire<S> {
    pub(super) fn new(socket: S, shared: Arc<Shared>, idle: Arc<IdleConnection>) -> Wire<S> {
        let now = Instant::now();
        Wire {
            socket,
            requests: StrictHead::default(),
            deadline: Deadline::new(now + REQUEST_TIMEOUT),
            is_timed: true,
            evictable_from: now + ARRIVAL_TIMEOUT,
            write_timeout: None,
            refusal: None,
            kept: None,
            idle,
            shared,
        }
    }

    /// Refuses the request without reading any more of it.
    pub(super) fn refuse_unread(&mut self, refusal: Refusal) {
        self.requests.refuse(refusal);
    }

    /// Records that the request that hyper has begun to read is refused.
    pub(super) fn refuse_request(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
    }

    /// Returns the refusal with which the connection ends, if any.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Keeps `kept` until the response has been written, or the connection has ended.
    pub(super) fn keep_until_sent(&mut self, kept: KeptUntilSent) {
        self.kept = Some(kept);
    }

    /// Reads and drops all bytes that the peer sends. Becomes ready when the peer has closed its side.
    pub(super) fn poll_drained(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut dropped = [0; 256];
        loop {
            let mut buffer = ReadBuf::new(&mut dropped);
            match ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }

    /// Passes checked bytes to hyper; none at the end. hyper reads a head only after it has answered the request before it.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>, mut out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if self.requests.answered() {
            let now = Instant::now();
            self.deadline.set(now + IDLE_TIMEOUT);
            (self.is_timed, self.evictable_from) = (false, now);
        }
        loop {
            match self.requests.progress() {
                Progress::Pass(count) => {
                    self.requests.pass_on(count.min(out.remaining()), |bytes| out.put_slice(bytes));
                    return Poll::Ready(Ok(()));
                }
                Progress::Refused(refusal) => {
                    if self.refusal.replace(refusal).is_none() {
                        out.put_slice(PLACEHOLDER);
                    }
                    return Poll::Ready(Ok(()));
                }
                Progress::NeedMore => {}
            }
            let is_idle = self.requests.is_between_requests();
            match self.poll_receive(context) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(_)) if is_idle => self.idle.set_busy(),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if is_idle => return self.poll_idle(context).map(Ok),
                Poll::Pending if self.requests.is_within_head() => {
                    self.request_deadline();
                    ready!(self.deadline.poll_passed(context));
                    self.requests.refuse(TOO_SLOW);
                }
                // The service applies the deadline to the body.
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Receives some bytes; 0 if the peer has closed its side.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let input = self.requests.input();
        input.reserve(READ_SIZE);
        pin!(self.socket.read_buf(input)).poll(context)
    }

    /// Returns the deadline of the request that is being read, which is set at the first call: a request that arrives in one
    /// piece needs none.
    pub(super) fn request_deadline(&mut self) -> Instant {
        if !std::mem::replace(&mut self.is_timed, true) {
            self.deadline.set(Instant::now() + REQUEST_TIMEOUT);
        }
        self.deadline.at()
    }

    /// Becomes ready when the wait for the next request is over: the server shuts down, another connection needs the permit, or
    /// no request arrived in time. A request that has arrived by then is read, even if the runtime does not know of it yet.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let shared = &self.shared;
        let is_over = Shutdown::Draining.is_reached(&shared.shutdown)
            || self.idle.poll_evicted(self.evictable_from, context).is_ready()
                && shared.limits.backpressure.is_crowded()
            || self.deadline.poll_passed(context).is_ready();
        if !is_over {
            return Poll::Pending;
        }
        if !peer_closed::has_input(&self.socket) {
            return Poll::Ready(());
        }
        self.is_timed = true;
        self.deadline.set(Instant::now() + REQUEST_TIMEOUT);
        self.deadline.poll_passed(context)
    }

    pub(super) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = Pin::new(&mut self.socket).poll_write(context, bytes) {
            return Poll::Ready(written);
        }
        let timeout = self.write_timeout.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        ready!(timeout.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Records that everything has been written, and returns what was kept until then.
    pub(super) fn written(&mut self) -> Option<KeptUntilSent> {
        self.write_timeout = None;
        self.kept.take()
    }
}
