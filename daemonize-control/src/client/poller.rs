//! Runs the future of a blocking client on the calling thread.
//!
//! A runtime would refuse to run inside another, and leave an epoll descriptor or threads behind, with which a later start of a
//! daemon in this process is refused. A client waits for one socket: `poll(2)` is enough.

use super::socket::ClientSocket;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI16, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// The socket for which a future waits.
#[derive(Default)]
pub(super) struct Poller {
    socket: OnceLock<Arc<OwnedFd>>,
    /// The `PollFlags` that the socket was not ready for.
    wanted: AtomicI16,
    /// A part of the future has woken another one.
    is_woken: AtomicBool,
}

impl Poller {
    /// Makes the socket that the future waits for; there can be only one.
    pub(super) fn socket(self: &Arc<Poller>, socket: OwnedFd) -> PolledSocket {
        let fd = Arc::new(socket);
        let _ = self.socket.set(Arc::clone(&fd));
        PolledSocket { fd, poller: Arc::clone(self) }
    }

    /// Runs a future until it is ready, or until the deadline; without one for as long as it takes.
    ///
    /// # Errors
    /// `TimedOut` at the deadline; the future can be run on. Others if `poll(2)` fails.
    pub(super) fn block_on<T>(
        self: &Arc<Poller>,
        deadline: Option<Instant>,
        future: impl Future<Output = T>,
    ) -> io::Result<T> {
        let waker = Waker::from(Arc::clone(self));
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            self.wanted.store(0, Ordering::Relaxed);
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if !self.is_woken.swap(false, Ordering::Relaxed) {
                self.wait(deadline)?;
            }
        }
    }

    /// Waits until the socket is ready for what was wanted of it, or until the deadline.
    fn wait(&self, deadline: Option<Instant>) -> io::Result<()> {
        let wanted = PollFlags::from_bits_truncate(self.wanted.load(Ordering::Relaxed));
        let socket = self.socket.get().map(|socket| PollFd::new(socket.as_fd(), wanted));
        match poll(&mut Vec::from_iter(socket), timeout(deadline)) {
            // The future finds out what a signal means for it.
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Wake for Poller {
    fn wake(self: Arc<Poller>) {
        self.is_woken.store(true, Ordering::Relaxed);
    }
}

/// Returns the time until the deadline in whole milliseconds: rounded up, so that `poll(2)` does not return just before it.
fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = deadline.saturating_duration_since(Instant::now()).as_nanos().div_ceil(1_000_000);
    i32::try_from(left).ok().and_then(|left| PollTimeout::try_from(left).ok()).unwrap_or(PollTimeout::MAX)
}

/// A socket whose reads and writes never block: what they wait for, [`Poller::block_on`] waits for.
pub(super) struct PolledSocket {
    fd: Arc<OwnedFd>,
    poller: Arc<Poller>,
}

impl PolledSocket {
    /// Returns the result of a system call, or notes that it has to wait for `flag`.
    fn poll(&self, flag: PollFlags, call: impl FnOnce(i32, MsgFlags) -> nix::Result<usize>) -> Poll<io::Result<usize>> {
        match call(self.fd.as_raw_fd(), MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
            Err(Errno::EAGAIN | Errno::EINTR) => {
                self.poller.wanted.fetch_or(flag.bits(), Ordering::Relaxed);
                Poll::Pending
            }
            result => Poll::Ready(result.map_err(io::Error::from)),
        }
    }
}

impl AsFd for PolledSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl ClientSocket for PolledSocket {
    fn poll_read(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(PollFlags::POLLIN, |fd, flags| recv(fd, bytes, flags))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(PollFlags::POLLOUT, |fd, flags| send(fd, bytes, flags))
    }
}

#[cfg(test)]
mod tests;
