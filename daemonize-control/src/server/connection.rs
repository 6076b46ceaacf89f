//! One connection, which its task, hyper and the body of a response use in turns.

use super::backpressure::IdleConnection;
use super::peer_closed;
use super::shared::Shared;
use super::socket::PeerSocket;
use super::wire::Wire;
use crate::access_rules::Peer;
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

/// Interval at which the socket of a peer that waits for a response is checked for its end.
const CLOSED_POLL_INTERVAL: Duration = Duration::from_millis(250);

/// One connection.
pub(super) struct Connection<S> {
    pub(super) peer: Peer,
    pub(super) idle: Arc<IdleConnection>,
    pub(super) shared: Arc<Shared>,
    wire: Mutex<Wire<S>>,
}

impl<S: PeerSocket> Connection<S> {
    pub(super) fn new(socket: S, peer: Peer, shared: Arc<Shared>) -> Connection<S> {
        let idle = shared.limits.backpressure.add();
        let wire = Mutex::new(Wire::new(socket, Arc::clone(&shared), Arc::clone(&idle)));
        Connection { peer, idle, shared, wire }
    }

    /// Returns a connection that is sent a refusal; nothing is read from it.
    pub(super) fn refused(socket: S, peer: Peer, shared: Arc<Shared>, refusal: Refusal) -> Connection<S> {
        let connection = Connection::new(socket, peer, shared);
        connection.wire().refuse_unread(refusal);
        connection
    }

    /// Returns the socket and the bytes read from it. hyper, the service and the body use them in turns, within one task.
    pub(super) fn wire(&self) -> MutexGuard<'_, Wire<S>> {
        lock(&self.wire)
    }

    /// Waits until no peer can read a response any more: the Unix socket was closed, or the TCP connection reset.
    pub(super) async fn peer_closed(&self) {
        // Most peers send nothing before they have the response, and need no timer.
        let _ = poll_fn(|context| self.wire().socket.poll_readable(context)).await;
        while !peer_closed::is_closed(&self.wire().socket) {
            sleep(CLOSED_POLL_INTERVAL).await;
        }
    }
}

/// The connection as hyper reads and writes it.
pub(super) struct Io<S>(pub(super) Arc<Connection<S>>);

impl<S: PeerSocket> Read for Io<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.0.wire().poll_read(context, out)
    }
}

impl<S: PeerSocket> Write for Io<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.wire().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has no buffer in this process: hyper has passed everything to the kernel.
        let kept = self.0.wire().written();
        // Dropped here, when the lock is released: dropping may stop the daemon.
        drop(kept);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.wire().socket).poll_shutdown(context)
    }
}
