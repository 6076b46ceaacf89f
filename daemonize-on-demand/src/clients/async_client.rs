//! A client of an async body.

use super::not_on_demand;
use crate::activity::ClientToken;
use crate::server::{Next, Peer, QUEUE};
use log::warn;
use std::io::Result;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

/// Waits for the next client of this daemon on demand; `None` when the daemon stops. It is [`clients`](crate::clients()) for an async
/// body.
///
/// A call that is cancelled has taken no client.
///
/// ```no_run
/// use tokio::io::AsyncWriteExt;
///
/// async fn body() {
///     while let Some(mut client) = daemon::on_demand::accept().await {
///         tokio::spawn(async move { client.write_all(b"hello\n").await });
///     }
/// }
/// # drop(body);
/// ```
///
/// # Panics
/// This process is not a daemon to which [`OnDemand`](crate::OnDemand) is attached, or no tokio runtime with I/O polls the future.
pub async fn accept() -> Option<AsyncClient> {
    loop {
        // The first look of the body, and its heartbeat.
        daemonize_core::stopping();
        match QUEUE.next_async().await {
            Next::Client(client) => {
                let stream = client.stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(client.stream));
                match stream {
                    Ok(stream) => return Some(AsyncClient { stream, peer: client.peer, _token: client.token }),
                    // No room in the epoll instance (`epoll_ctl(2)`).
                    Err(error) => warn!("failed to serve a client: {error}"),
                }
            }
            Next::Closed => {
                // The body sees the stop with it, and is given its grace to return.
                daemonize_core::stopping();
                return None;
            }
            Next::Absent => panic!("{}", not_on_demand()),
        }
    }
}

/// A connection to a client of this daemon on demand: a `tokio::net::UnixStream` that keeps the daemon from exiting as idle until
/// it is dropped.
///
/// A client that neither sends nor reads keeps the daemon as well: limit reads with `tokio::time::timeout`.
#[derive(Debug)]
pub struct AsyncClient {
    stream: UnixStream,
    peer: Peer,
    /// Dropped after the stream: the daemon is not idle before the connection is closed.
    _token: ClientToken,
}

impl AsyncClient {
    /// Returns the process that has connected (`unix(7)`, `SO_PEERCRED`).
    pub fn peer(&self) -> Peer {
        self.peer
    }
}

impl Deref for AsyncClient {
    type Target = UnixStream;

    fn deref(&self) -> &UnixStream {
        &self.stream
    }
}

impl DerefMut for AsyncClient {
    fn deref_mut(&mut self) -> &mut UnixStream {
        &mut self.stream
    }
}

impl AsyncRead for AsyncClient {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for AsyncClient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsFd for AsyncClient {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
