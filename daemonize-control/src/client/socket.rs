//! Sockets of both kinds of client, as hyper reads and writes them.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes that one read takes from a socket.
const MAX_READ: usize = 8192;

/// A connected socket. The traits are tokio's, and work without a runtime.
pub(super) trait Socket: AsyncRead + AsyncWrite + AsFd + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + AsFd + Send + Sync + Unpin> Socket for T {}

/// Passes the bytes of a socket to hyper and back, and notes in [`Traffic`] what hyper's errors do not say.
///
/// A peer that closes the connection is the end of what can be read, and never an error of a write: it may have answered without
/// reading all of the request.
pub(super) struct HyperIo {
    socket: Box<dyn Socket>,
    is_unix: bool,
    has_written: bool,
    traffic: Arc<Traffic>,
}

/// What has happened on a connection.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    received: AtomicUsize,
    is_request_unread: AtomicBool,
}

impl Traffic {
    /// Returns how many bytes have been received.
    pub(super) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    /// Returns `true` if the peer is known to have closed the connection before it had read the whole request.
    ///
    /// Only a Unix socket reports that: by `ECONNRESET`, and by `EPIPE` where not all could be sent.
    pub(super) fn is_request_unread(&self) -> bool {
        self.is_request_unread.load(Ordering::Relaxed)
    }
}

impl HyperIo {
    pub(super) fn new(socket: Box<dyn Socket>, is_unix: bool) -> HyperIo {
        HyperIo { socket, is_unix, has_written: false, traffic: Arc::default() }
    }

    /// Returns the notes on this socket, which can be read while hyper owns it.
    pub(super) fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.traffic)
    }

    fn note_closed(&self) {
        self.traffic.is_request_unread.store(self.is_unix, Ordering::Relaxed);
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
        // To read into the cursor itself would need `unsafe`; a copy of 8 KiB costs less than the system call.
        let mut bytes = [0; MAX_READ];
        let length = MAX_READ.min(cursor.remaining());
        let mut buffer = ReadBuf::new(&mut bytes[..length]);
        match ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer)) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.note_closed(),
            read => read?,
        }
        self.traffic.received.fetch_add(buffer.filled().len(), Ordering::Relaxed);
        cursor.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl Write for HyperIo {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.socket).poll_write(context, bytes));
        if !self.has_written {
            self.has_written = true;
            // For the read that was put off.
            context.waker().wake_by_ref();
        }
        match written {
            Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                self.note_closed();
                Poll::Ready(Ok(bytes.len()))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
