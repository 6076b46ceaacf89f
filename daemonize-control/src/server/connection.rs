//! One connection, as its task, hyper and the body of a reply use it in turns.

use super::backpressure::IdleConnection;
use super::peer_closed;
use super::shared::Shared;
use super::socket::Socket;
use super::wire::Wire;
use crate::access::Peer;
use crate::refusal::Refusal;
use daemonize_sys::mutex::lock;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::sleep;

/// Interval at which a peer is looked at that has sent everything and waits for a reply.
const CLOSED_POLL_INTERVAL: Duration = Duration::from_millis(250);
/// One connection.
pub(super) struct Connection<S> {
    pub(super) peer: Peer,
    pub(super) idle: Arc<IdleConnection>,
    pub(super) shared: Arc<Shared>,
    wire: Mutex<Wire<S>>,
}

impl<S: Socket> Connection<S> {
    pub(super) fn new(socket: S, peer: Peer, shared: Arc<Shared>) -> Connection<S> {
        let idle = shared.backpressure.add();
        let wire = Mutex::new(Wire::new(socket, Arc::clone(&shared), Arc::clone(&idle)));
        Connection { peer, idle, shared, wire }
    }

    /// Returns a connection that is told why it is not served; nothing of it is read.
    pub(super) fn refused(socket: S, peer: Peer, shared: Arc<Shared>, refusal: Refusal) -> Connection<S> {
        let connection = Connection::new(socket, peer, shared);
        connection.wire().refuse_unread(refusal);
        connection
    }

    /// Returns the socket and what was read of it. hyper, the service and the body use it in turns, within one task.
    pub(super) fn wire(&self) -> MutexGuard<'_, Wire<S>> {
        lock(&self.wire)
    }

    /// Returns once no peer is there that could read a reply: a Unix socket was closed, a TCP connection reset.
    pub(super) async fn peer_closed(&self) {
        // Most peers send nothing before they have the reply: no timer is set for them.
        let _ = poll_fn(|context| self.wire().socket.poll_readable(context)).await;
        while !peer_closed::is_closed(&self.wire().socket) {
            sleep(CLOSED_POLL_INTERVAL).await;
        }
    }
}

/// hyper's end of a connection.
pub(super) struct Io<S>(pub(super) Arc<Connection<S>>);

impl<S: Socket> Read for Io<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.0.wire().poll_read(context, out)
    }
}

impl<S: Socket> Write for Io<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.wire().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has no buffer of its own: hyper has handed all of it to the kernel.
        let kept = self.0.wire().written();
        drop(kept);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.wire().socket).poll_shutdown(context)
    }
}
