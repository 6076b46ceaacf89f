//! Lends open files to the other end of a connection: `send_fds` and `recv_fds` (`unix(7)`, `SCM_RIGHTS`).

#[cfg(feature = "tokio")]
mod async_fd_passing;
#[cfg(feature = "tokio")]
pub use async_fd_passing::AsyncFdPassing;

pub use daemonize_sys::fd_passing::MAX_FDS;
use daemonize_sys::fd_passing::receive;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// Lends open files to the process at the other end of a Unix stream: what the environment of a daemon on demand must not carry, such as the
/// terminal or the working directory of one client, travels with that client's request.
///
/// It is implemented for [`UnixStream`], to which [`Connection`](crate::Connection) and [`Client`](crate::Client) dereference. For async
/// streams see `AsyncFdPassing`.
///
/// ```
/// use daemon::on_demand::FdPassing;
/// use std::fs::File;
/// use std::io::Write;
/// use std::os::fd::AsFd;
/// use std::os::unix::net::UnixStream;
///
/// let (client, daemon) = UnixStream::pair()?; // in a program: `agent::connect()?` and an item of `daemon::on_demand::clients()`
///
/// // The client lends its stdout.
/// client.send_fds(b"print\n", &[std::io::stdout().as_fd()])?;
///
/// // The daemon receives it with the request, and prints there.
/// let mut request = [0; 64];
/// let (length, fds) = daemon.recv_fds(&mut request, 1)?;
/// assert_eq!((&request[..length], fds.len()), (&b"print\n"[..], 1));
/// for stdout in fds {
///     File::from(stdout).write_all(b"printed by the daemon\n")?;
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait FdPassing: sealed::Stream {
    /// Sends all of the bytes, and copies of the descriptors with the first byte (`sendmsg(2)`). The caller keeps its own. They are either
    /// sent all, or none.
    ///
    /// # Errors
    /// `InvalidInput`: there is no byte that the descriptors could travel with, or there are more than [`MAX_FDS`]. Otherwise as
    /// [`Write::write_all`]; `BrokenPipe` if the other end is closed. In a stream that does not block, `WouldBlock` may come when a
    /// part of the bytes has been sent.
    fn send_fds(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()>;

    /// Receives bytes, as [`Read::read`](std::io::Read::read) does, and the descriptors that were sent with one of them: at most `max`, all of them
    /// close-on-exec. Returns the number of bytes, 0 at the end of the stream, and the descriptors.
    ///
    /// The descriptors of two messages never come together, but bytes that were sent before may come with those of a message. Bytes that are read
    /// in another way have lost their descriptors: a request that may carry some must be received by this method from its first byte on.
    ///
    /// # Errors
    /// `InvalidInput`: the buffer is empty. `InvalidData`: more than `max` descriptors came, or this process can open no more
    /// (`RLIMIT_NOFILE`); all of them are closed, and the bytes that were received are lost. Otherwise as `Read::read`.
    fn recv_fds(&self, buffer: &mut [u8], max: usize) -> io::Result<(usize, Vec<OwnedFd>)>;
}

impl FdPassing for UnixStream {
    fn send_fds(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        check_message(bytes, fds)?;
        let sent = retry(|| send_some(self.as_fd(), bytes, fds))?;
        let mut stream = self;
        stream.write_all(bytes.get(sent..).unwrap_or_default())
    }

    fn recv_fds(&self, buffer: &mut [u8], max: usize) -> io::Result<(usize, Vec<OwnedFd>)> {
        check_buffer(buffer)?;
        retry(|| receive(self.as_fd(), buffer, max))
    }
}

/// Calls again what a signal has interrupted.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Refuses a message that the kernel would refuse or send without its descriptors.
fn check_message(bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if fds.len() > MAX_FDS {
        let why =
            format!("failed to send {} descriptors: one message carries at most {MAX_FDS}; send several", fds.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    if bytes.is_empty() && !fds.is_empty() {
        let why = "failed to send descriptors: they travel with a byte, and there is none";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    Ok(())
}

/// Refuses a buffer with which a receiver could not tell the end of the stream.
fn check_buffer(buffer: &[u8]) -> io::Result<()> {
    if buffer.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "failed to receive descriptors: the buffer is empty"));
    }
    Ok(())
}

/// Sends the descriptors and as many of the bytes as there is room for. Returns the number of bytes.
fn send_some(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let numbers: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let rights = if numbers.is_empty() { &[] } else { &rights[..] };
    match sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], rights, MsgFlags::MSG_NOSIGNAL, None) {
        // The kernel allows as many descriptors on their way as the process may have open (unix(7)).
        Err(Errno::ETOOMANYREFS) => Err(io::Error::other(
            "failed to send descriptors: too many are on their way to receivers that do not take them",
        )),
        sent => Ok(sent?),
    }
}

/// Keeps other crates from implementing the traits.
mod sealed {
    pub trait Stream {}
    impl Stream for std::os::unix::net::UnixStream {}
    #[cfg(feature = "tokio")]
    impl Stream for tokio::net::UnixStream {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::thread;

    #[test]
    fn message_larger_than_the_socket_buffer_carries_its_descriptors_once() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (lent, mut kept) = UnixStream::pair().unwrap();
        let sent = vec![7; 4 << 20];
        let length = sent.len();
        let sender = thread::spawn(move || theirs.send_fds(&sent, &[lent.as_fd()]));
        let (mut buffer, mut received, mut fds) = (vec![0; 1 << 16], 0, Vec::new());
        while received < length {
            let (count, more) = ours.recv_fds(&mut buffer, 1).unwrap();
            assert!(count > 0 && buffer[..count].iter().all(|byte| *byte == 7));
            received += count;
            fds.extend(more);
        }
        sender.join().unwrap().unwrap();
        assert_eq!((received, fds.len()), (length, 1));
        drop(fds);
        assert_eq!(kept.read(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn descriptors_of_two_messages_do_not_come_together() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.send_fds(b"none", &[]).unwrap();
        theirs.send_fds(b"one", &[ours.as_fd()]).unwrap();
        theirs.send_fds(b"two", &[ours.as_fd(), theirs.as_fd()]).unwrap();
        let mut buffer = [0; 64];
        let (length, fds) = ours.recv_fds(&mut buffer, 2).unwrap();
        assert_eq!((&buffer[..length], fds.len()), (&b"noneone"[..], 1));
        let (length, fds) = ours.recv_fds(&mut buffer, 2).unwrap();
        assert_eq!((&buffer[..length], fds.len()), (&b"two"[..], 2));
    }

    #[test]
    fn message_that_cannot_carry_its_descriptors_is_refused() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let error = |bytes: &[u8], fds: &[BorrowedFd<'_>]| theirs.send_fds(bytes, fds).unwrap_err();
        assert_eq!(error(b"", &[ours.as_fd()]).kind(), io::ErrorKind::InvalidInput);
        let many = error(b"x", &vec![ours.as_fd(); MAX_FDS + 1]);
        assert!(many.kind() == io::ErrorKind::InvalidInput && many.to_string().contains("at most 253"), "{many}");
        assert_eq!(ours.recv_fds(&mut [], 1).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        theirs.send_fds(b"", &[]).unwrap();
        // Nothing of it was sent.
        drop(theirs);
        assert_eq!(ours.recv_fds(&mut [0; 8], 1).unwrap().0, 0);
    }

    #[test]
    fn closed_end_is_an_error_and_not_a_signal() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        assert_eq!(theirs.send_fds(b"x", &[theirs.as_fd()]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
