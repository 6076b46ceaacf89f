//! `send_fds` and `recv_fds` of async streams.

use super::{check_buffer, check_message, sealed, send_some};
use daemonize_sys::fd_passing::receive;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// Lends open files to the process at the other end of an async Unix stream, as [`FdPassing`](super::FdPassing) does.
///
/// It is implemented for [`tokio::net::UnixStream`], to which [`AsyncConnection`](crate::AsyncConnection) and
/// [`AsyncClient`](crate::AsyncClient) dereference.
///
/// ```
/// use daemon::on_demand::AsyncFdPassing;
/// use std::os::fd::AsFd;
/// use tokio::net::UnixStream;
///
/// async fn lend(client: &UnixStream) -> std::io::Result<()> {
///     let directory = std::fs::File::open(".")?;
///     client.send_fds(b"build\n", &[directory.as_fd()]).await
/// }
///
/// async fn receive(daemon: &UnixStream) -> std::io::Result<()> {
///     let mut request = [0; 64];
///     let (length, fds) = daemon.recv_fds(&mut request, 1).await?;
///     println!("{} bytes and {} descriptors", length, fds.len());
///     Ok(())
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
/// let (client, daemon) = UnixStream::pair()?;
/// lend(&client).await?;
/// receive(&daemon).await
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub trait AsyncFdPassing: sealed::Stream {
    /// Sends all of the bytes, and copies of the descriptors with the first byte: see [`FdPassing::send_fds`](super::FdPassing::send_fds). If the
    /// future is dropped, a part may have been sent.
    ///
    /// # Errors
    /// As `FdPassing::send_fds`; never `WouldBlock`.
    fn send_fds(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> impl Future<Output = io::Result<()>> + Send;

    /// Receives bytes, and at most `max` descriptors that were sent with one of them: see [`FdPassing::recv_fds`](super::FdPassing::recv_fds). If
    /// the future is dropped, nothing has been received.
    ///
    /// # Errors
    /// As `FdPassing::recv_fds`; never `WouldBlock`.
    fn recv_fds(&self, buffer: &mut [u8], max: usize)
    -> impl Future<Output = io::Result<(usize, Vec<OwnedFd>)>> + Send;
}

impl AsyncFdPassing for UnixStream {
    async fn send_fds(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        check_message(bytes, fds)?;
        let (mut rest, mut fds) = (bytes, fds);
        while !rest.is_empty() {
            let sent =
                self.async_io(Interest::WRITABLE, || super::retry(|| send_some(self.as_fd(), rest, fds))).await?;
            (rest, fds) = (rest.get(sent..).unwrap_or_default(), &[]);
        }
        Ok(())
    }

    async fn recv_fds(&self, buffer: &mut [u8], max: usize) -> io::Result<(usize, Vec<OwnedFd>)> {
        check_buffer(buffer)?;
        self.async_io(Interest::READABLE, || super::retry(|| receive(self.as_fd(), buffer, max))).await
    }
}
