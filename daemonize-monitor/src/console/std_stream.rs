//! Writes to stdout and stderr.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// A standard stream of the monitor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StdStream {
    Stdout,
    Stderr,
}

/// Writes to a stream without the lock that std has for it: a panic message of another thread needs that lock. Returns `true` if
/// all bytes are written.
pub(crate) fn write_to_stream(stream: StdStream, mut bytes: &[u8]) -> bool {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let stream: BorrowedFd<'_> = match stream {
        StdStream::Stdout => stdout.as_fd(),
        StdStream::Stderr => stderr.as_fd(),
    };
    while !bytes.is_empty() {
        match unistd::write(stream, bytes) {
            Ok(count) if count > 0 => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            // Another process that shares the stream has made it non-blocking.
            Err(Errno::EAGAIN) => drop(poll(&mut [PollFd::new(stream, PollFlags::POLLOUT)], PollTimeout::NONE)),
            _ => return false,
        }
    }
    true
}
