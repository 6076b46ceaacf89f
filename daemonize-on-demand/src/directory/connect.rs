//! Connects to a socket in the directory.

use super::OpenDirectory;
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, connect, socket};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

impl OpenDirectory {
    /// Connects to the socket of this name. Waits while the queue of the listener is full, until the deadline.
    ///
    /// # Errors
    /// `NotFound` if there is no such socket, `ConnectionRefused` if no process listens, `WouldBlock` at the deadline.
    pub(crate) fn connect(&self, name: &str, deadline: Instant) -> io::Result<UnixStream> {
        let fail = |errno| self.error("connect to", name, errno);
        let address = self.address(name)?;
        let kind = (SockType::Stream, SockFlag::SOCK_CLOEXEC);
        let stream = UnixStream::from(socket(AddressFamily::Unix, kind.0, kind.1, None).map_err(fail)?);
        loop {
            // unix(7) waits for room in the queue as long as a write may take; 0 would mean no limit.
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_micros(1));
            stream.set_write_timeout(Some(left))?;
            match connect(stream.as_raw_fd(), &address) {
                Ok(()) => break,
                Err(Errno::EINTR) if Instant::now() < deadline => {}
                Err(errno) => return Err(fail(errno)),
            }
        }
        stream.set_write_timeout(None)?;
        Ok(stream)
    }
}
