//! The sockets of both clients, as hyper reads and writes them.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

/// Maximum number of bytes per read.
const MAX_READ: usize = 8192;

/// Number of reads after which the task yields: otherwise a peer that never pauses would delay the deadline of the call.
const READS_PER_YIELD: usize = 16;

/// A connected socket of one kind of client.
pub(super) trait ClientSocket: AsFd + Send + Sync {
    /// Reads, as [`io::Read::read`] does.
    fn poll_read(&mut self, context: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes, as [`io::Write::write`] does.
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
}

/// The events of a connection that hyper's errors do not report.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    has_received: AtomicBool,
    is_request_unread: AtomicBool,
}

impl Traffic {
    /// Returns `true` if the peer has sent anything.
    pub(super) fn has_received(&self) -> bool {
        self.has_received.load(Ordering::Relaxed)
    }

    /// Returns `true` if the peer is known to have closed the connection before it had read the whole request.
    ///
    /// Only a Unix socket reports that: by `ECONNRESET`, and by `EPIPE` where not all could be sent.
    pub(super) fn is_request_unread(&self) -> bool {
        self.is_request_unread.load(Ordering::Relaxed)
    }
}

/// Passes the bytes of a socket to hyper and back.
///
/// A peer that closes the connection is the end of what can be read, and never an error of a write: it may have answered without
/// reading all of the request.
pub(super) struct HyperIo {
    socket: Box<dyn ClientSocket>,
    is_unix: bool,
    has_written: bool,
    reads: usize,
    pub(super) traffic: Arc<Traffic>,
}

impl HyperIo {
    pub(super) fn new(socket: Box<dyn ClientSocket>, is_unix: bool) -> HyperIo {
        HyperIo { socket, is_unix, has_written: false, reads: 0, traffic: Arc::default() }
    }

    /// Returns `instead` of an error that says that the peer has closed the connection.
    fn accept_close(&self, result: io::Result<usize>, instead: usize) -> io::Result<usize> {
        match result {
            Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                self.traffic.is_request_unread.store(self.is_unix, Ordering::Relaxed);
                Ok(instead)
            }
            other => other,
        }
    }
}

impl Read for HyperIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // An endpoint may answer before it has the request, with a 503 for instance; hyper would take that for an error.
        if !self.has_written {
            return Poll::Pending;
        }
        self.reads += 1;
        if self.reads % READS_PER_YIELD == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        // To read into the cursor itself would need `unsafe`; a copy of 8 KiB costs less than the system call.
        let mut bytes = [0; MAX_READ];
        let length = MAX_READ.min(cursor.remaining());
        let read = ready!(self.socket.poll_read(context, &mut bytes[..length]));
        let received = self.accept_close(read, 0)?;
        self.traffic.has_received.fetch_or(received > 0, Ordering::Relaxed);
        cursor.put_slice(&bytes[..received]);
        Poll::Ready(Ok(()))
    }
}

impl Write for HyperIo {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(self.socket.poll_write(context, bytes));
        if !std::mem::replace(&mut self.has_written, true) {
            // Polls the read again that waited for this write.
            context.waker().wake_by_ref();
        }
        Poll::Ready(self.accept_close(written, bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does nothing: the socket is closed when it is dropped.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
