//! Reads the greeting, and not a byte more: the rest belongs to the client.

use crate::greeting::{Greeting, InvalidGreeting, MAX_GREETING_BYTES};
use daemonize_sys::pidfd::timeout_until;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{MsgFlags, recv};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Instant;

/// The part of a greeting that has come so far.
#[derive(Debug, Default)]
pub(super) struct GreetingReader {
    line: Vec<u8>,
}

/// The end of a wait for a greeting.
#[derive(Debug, PartialEq)]
pub(super) enum Reading {
    /// The greeting.
    Complete(Greeting),
    /// The peer closed the connection first, so it has read nothing.
    Closed,
    /// The peer sent another thing than a greeting.
    Invalid(InvalidGreeting),
    /// The greeting is not complete yet.
    Incomplete,
}

impl GreetingReader {
    /// Waits for the greeting, at most until `deadline`.
    pub(super) fn read_until(&mut self, stream: BorrowedFd<'_>, deadline: Instant) -> nix::Result<Reading> {
        loop {
            let mut fds = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout_until(deadline)) {
                Ok(0) if Instant::now() >= deadline => return Ok(Reading::Incomplete),
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(errno),
            }
            match self.read_available(stream)? {
                // A peer that sends byte by byte does not prolong the wait.
                Reading::Incomplete if Instant::now() >= deadline => return Ok(Reading::Incomplete),
                Reading::Incomplete => {}
                end => return Ok(end),
            }
        }
    }

    /// Reads the bytes of the greeting that have come, without waiting. Each byte is looked at before it is taken, since the daemon's
    /// body may have sent some already, and descriptors with them.
    pub(super) fn read_available(&mut self, stream: BorrowedFd<'_>) -> nix::Result<Reading> {
        let mut buffer = [0; MAX_GREETING_BYTES];
        loop {
            let space = &mut buffer[self.line.len()..];
            let ahead = match receive(stream, space, MsgFlags::MSG_PEEK) {
                Err(Errno::EAGAIN) => return Ok(Reading::Incomplete),
                Ok(0) | Err(Errno::ECONNRESET | Errno::EPIPE) => return Ok(Reading::Closed),
                ahead => ahead?,
            };
            let end = space[..ahead].iter().position(|byte| *byte == b'\n');
            // The kernel hands out the bytes that it has shown, since no other code reads this stream.
            let taken = receive(stream, &mut space[..end.map_or(ahead, |end| end + 1)], MsgFlags::empty())?;
            self.line.extend_from_slice(&space[..taken]);
            if end.is_some() || self.line.len() >= MAX_GREETING_BYTES {
                return Ok(Greeting::parse(&self.line).map_or_else(Reading::Invalid, Reading::Complete));
            }
        }
    }
}

/// Receives bytes without waiting.
fn receive(stream: BorrowedFd<'_>, buffer: &mut [u8], flags: MsgFlags) -> nix::Result<usize> {
    loop {
        match recv(stream.as_raw_fd(), buffer, flags | MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EINTR) => {}
            received => return received,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    const LINE: &[u8] = b"daemonic/1 name=agent pid=4711 protocol=1 state=ready clients=1\n";

    fn read_of(bytes: &[u8]) -> (Reading, UnixStream, UnixStream) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(bytes).unwrap();
        let reading = GreetingReader::default().read_until(ours.as_fd(), Instant::now()).unwrap();
        (reading, ours, theirs)
    }

    #[test]
    fn bytes_after_the_greeting_stay_in_the_stream() {
        let (reading, mut ours, theirs) = read_of(&[LINE, b"body"].concat());
        assert_eq!(reading, Reading::Complete(Greeting::parse(LINE).unwrap()));
        drop(theirs);
        let mut rest = Vec::new();
        ours.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"body");
    }

    #[test]
    fn greeting_in_pieces_is_read_once_it_is_complete() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut reader = GreetingReader::default();
        for byte in LINE {
            assert_eq!(reader.read_available(ours.as_fd()), Ok(Reading::Incomplete));
            theirs.write_all(&[*byte]).unwrap();
            if *byte != b'\n' {
                assert_eq!(reader.read_available(ours.as_fd()), Ok(Reading::Incomplete));
            }
        }
        assert!(matches!(reader.read_available(ours.as_fd()), Ok(Reading::Complete(_))));
    }

    #[test]
    fn greeting_without_end_is_refused_at_its_limit() {
        let (reading, ours, theirs) = read_of(&[b'x'; 2 * MAX_GREETING_BYTES]);
        assert!(matches!(reading, Reading::Invalid(_)), "{reading:?}");
        drop((ours, theirs));
        let (reading, ..) = read_of(&LINE[..20]);
        assert_eq!(reading, Reading::Incomplete);
    }

    #[test]
    fn peer_that_closes_before_its_greeting_is_complete_has_read_nothing() {
        for bytes in [&b""[..], &LINE[..30]] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            theirs.write_all(bytes).unwrap();
            drop(theirs);
            let deadline = Instant::now() + Duration::from_secs(10);
            let reading = GreetingReader::default().read_until(ours.as_fd(), deadline);
            assert_eq!(reading, Ok(Reading::Closed), "{bytes:?}");
        }
        // Unread bytes of ours make it a reset.
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"early").unwrap();
        drop(theirs);
        assert_eq!(GreetingReader::default().read_until(ours.as_fd(), Instant::now()), Ok(Reading::Closed));
    }
}
