//! The connection of an async client.

use crate::greeting::Greeting;
use daemonize_core::Started;
use std::io::{self, IoSlice};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

/// A connection to a daemon on demand, made by [`connect_async`](crate::connect_async()).
///
/// It is a [`tokio::net::UnixStream`], to which it dereferences and into which it converts. The greeting has been read; the next byte
/// is the daemon body's.
///
/// ```no_run
/// use daemon::on_demand::AsyncConnection;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// async fn ask(mut connection: AsyncConnection) -> std::io::Result<String> {
///     connection.write_all(b"how are you?\n").await?;
///     let mut answer = String::new();
///     connection.read_to_string(&mut answer).await?;
///     Ok(format!("pid {} says {answer}", connection.greeting().pid))
/// }
/// # let _ = ask;
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
#[derive(Debug)]
pub struct AsyncConnection {
    stream: UnixStream,
    greeting: Greeting,
    started: Option<Started>,
}

impl AsyncConnection {
    pub(crate) fn new(stream: UnixStream, greeting: Greeting, started: Option<Started>) -> AsyncConnection {
        AsyncConnection { stream, greeting, started }
    }

    /// Returns the daemon's greeting: its pid, build and version. Its texts are the daemon's own.
    pub fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Returns the start of the daemon if this client has started it; `None` if the daemon ran already, or another client started it.
    pub fn started(&self) -> Option<&Started> {
        self.started.as_ref()
    }

    /// Returns the stream.
    pub fn into_stream(self) -> UnixStream {
        self.stream
    }
}

impl Deref for AsyncConnection {
    type Target = UnixStream;

    fn deref(&self) -> &UnixStream {
        &self.stream
    }
}

impl AsyncRead for AsyncConnection {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(task, buffer)
    }
}

impl AsyncWrite for AsyncConnection {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(task, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(task)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(task, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl AsFd for AsyncConnection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl AsRawFd for AsyncConnection {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

impl From<AsyncConnection> for UnixStream {
    fn from(connection: AsyncConnection) -> UnixStream {
        connection.stream
    }
}
