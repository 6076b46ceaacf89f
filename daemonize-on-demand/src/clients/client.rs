//! A client of a synchronous body.

use crate::activity::ClientToken;
use crate::server::{Peer, QueuedClient};
use std::io::{Read, Result, Write};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;

/// A connection to a client of this daemon on demand: a `UnixStream` that keeps the daemon from exiting as idle until it is dropped.
///
/// A client that neither sends nor reads keeps the daemon as well. [`set_read_timeout`](UnixStream::set_read_timeout) limits how
/// long a read waits.
///
/// A clone of the stream ([`try_clone`](UnixStream::try_clone)) does not count as a client. A reader and a writer of one client borrow it, as
/// they borrow a `UnixStream`:
///
/// ```no_run
/// use daemon::on_demand::Client;
/// use std::io::{BufRead, BufReader, Write};
///
/// fn greet(client: Client) -> std::io::Result<()> {
///     for name in BufReader::new(&client).lines() {
///         writeln!(&client, "hello, {}", name?)?;
///     }
///     Ok(())
/// }
/// # let _ = greet;
/// ```
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    peer: Peer,
    /// Dropped after the stream: the daemon is not idle before the connection is closed.
    _token: ClientToken,
}

impl Client {
    pub(super) fn new(client: QueuedClient) -> Client {
        Client { stream: client.stream, peer: client.peer, _token: client.token }
    }

    /// Returns the process that has connected (`unix(7)`, `SO_PEERCRED`).
    pub fn peer(&self) -> Peer {
        self.peer
    }
}

impl Deref for Client {
    type Target = UnixStream;

    fn deref(&self) -> &UnixStream {
        &self.stream
    }
}

impl Read for Client {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        self.stream.read(bytes)
    }
}

impl Read for &Client {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        (&self.stream).read(bytes)
    }
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }
}

impl Write for &Client {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        (&self.stream).write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl AsRawFd for Client {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}
