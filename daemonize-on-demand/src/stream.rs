//! Connections of a client to its daemon: a stream, and the greeting with which the daemon began it.

#[cfg(feature = "tokio")]
mod async_connection;
#[cfg(feature = "tokio")]
pub use async_connection::AsyncConnection;

use crate::greeting::Greeting;
use daemonize_core::Started;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// A connection to a daemon on demand, made by [`connect`](crate::connect()).
///
/// It is a [`UnixStream`] without timeouts, to which it dereferences and into which it converts. The greeting has been read; the next
/// byte is the daemon body's.
///
/// ```no_run
/// use daemon::on_demand::Connection;
/// use std::io::{BufRead, BufReader, Write};
///
/// fn ask(mut connection: Connection) -> std::io::Result<String> {
///     connection.write_all(b"how are you?\n")?;
///     let mut answer = String::new();
///     BufReader::new(&connection).read_line(&mut answer)?;
///     Ok(format!("pid {} says {answer}", connection.greeting().pid))
/// }
/// # let _ = ask;
/// ```
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    greeting: Greeting,
    started: Option<Started>,
}

impl Connection {
    pub(crate) fn new(stream: UnixStream, greeting: Greeting, started: Option<Started>) -> Connection {
        Connection { stream, greeting, started }
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

impl Deref for Connection {
    type Target = UnixStream;

    fn deref(&self) -> &UnixStream {
        &self.stream
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.stream).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.stream).read_vectored(buffers)
    }
}

impl Read for &Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.stream).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.stream).read_vectored(buffers)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.stream).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.stream).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for &Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.stream).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.stream).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl AsRawFd for Connection {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

impl IntoRawFd for Connection {
    fn into_raw_fd(self) -> RawFd {
        self.stream.into_raw_fd()
    }
}

impl From<Connection> for UnixStream {
    fn from(connection: Connection) -> UnixStream {
        connection.stream
    }
}

impl From<Connection> for OwnedFd {
    fn from(connection: Connection) -> OwnedFd {
        connection.stream.into()
    }
}
