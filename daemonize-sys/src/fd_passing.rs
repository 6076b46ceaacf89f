//! Receives open file descriptors through a stream socket (`unix(7)`, `SCM_RIGHTS`).
//!
//! nix is not used, since it leaves those of a truncated message open, under numbers that no code learns.

use crate::syscall::syscall_result;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// The maximum number of descriptors of one message (`SCM_MAX_FD` of the kernel).
pub const MAX_FDS: usize = 253;

/// Receives bytes, and at most `max` descriptors that were sent with one of them, close-on-exec. Returns the number of bytes, 0 at the end of
/// the stream.
///
/// # Errors
/// `InvalidData` if there were more descriptors, or this process can open no more (`RLIMIT_NOFILE`): all of them are closed then, and the bytes are
/// lost. Another error of `recvmsg(2)`.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8], max: usize) -> io::Result<(usize, Vec<OwnedFd>)> {
    let max = max.min(MAX_FDS);
    let mut control = ControlBuffer::for_fds(max);
    // SAFETY: zeros are a valid message header.
    let mut message = unsafe { mem::zeroed::<libc::msghdr>() };
    let mut piece = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = control.room.as_mut_ptr().cast();
    message.msg_controllen = control.length as _;
    // SAFETY: the header points to the buffer and to the room for control messages, both of the lengths that it says.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    let length = syscall_result(received as libc::c_long)?;
    // SAFETY: the kernel has just filled the control messages in, and no code has taken a descriptor from them.
    let fds = unsafe { take_fds(&message) };
    if message.msg_flags & libc::MSG_CTRUNC != 0 || fds.len() > max {
        let why = format!(
            "more than {max} descriptors came at once, or this process can open no more (`ulimit -n`): they were closed"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok((usize::try_from(length).unwrap_or_default(), fds))
}

/// Room for control messages: descriptors, and the sender's credentials, which come if the socket has `SO_PASSCRED`.
struct ControlBuffer {
    /// Aligned as `cmsghdr` is.
    room: Vec<u64>,
    /// The length in bytes: without the padding, in which the kernel would store one more descriptor.
    length: usize,
}

impl ControlBuffer {
    fn for_fds(max: usize) -> ControlBuffer {
        let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        let (credentials, fds) = (size(mem::size_of::<libc::ucred>()), size(max * mem::size_of::<RawFd>()));
        // SAFETY: these calculate with integers.
        let length = unsafe { libc::CMSG_SPACE(credentials) + libc::CMSG_LEN(fds) } as usize;
        ControlBuffer { room: vec![0; length.div_ceil(mem::size_of::<u64>())], length }
    }
}

/// Takes all descriptors from the control messages.
///
/// # Safety
/// The kernel has filled the message in, and this is the only call for it.
unsafe fn take_fds(message: &libc::msghdr) -> Vec<OwnedFd> {
    let mut fds = Vec::new();
    // SAFETY: the control messages are as the kernel has written them, in memory that `message` borrows.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(ptr::from_ref(message)) };
    while !header.is_null() {
        // SAFETY: it is not null, so it is a whole header in the room.
        let (level, kind, length) = unsafe { ((*header).cmsg_level, (*header).cmsg_type, (*header).cmsg_len as usize) };
        if (level, kind) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            // SAFETY: calculates with integers, and with the address of the header.
            let (data, head) = unsafe { (libc::CMSG_DATA(header), libc::CMSG_LEN(0) as usize) };
            for at in (0..length.saturating_sub(head)).step_by(mem::size_of::<RawFd>()) {
                let mut number = [0; mem::size_of::<RawFd>()];
                // SAFETY: the kernel has written so far; `number` is as long as each descriptor.
                unsafe { ptr::copy_nonoverlapping(data.add(at), number.as_mut_ptr(), number.len()) };
                // SAFETY: the kernel has opened it for this process alone.
                fds.push(unsafe { OwnedFd::from_raw_fd(RawFd::from_ne_bytes(number)) });
            }
        }
        // SAFETY: as for the first one.
        header = unsafe { libc::CMSG_NXTHDR(ptr::from_ref(message), header) };
    }
    fds
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg, setsockopt, sockopt::PassCred};
    use std::io::{IoSlice, Read};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    /// Sends `count` copies of one end of a pair, which is closed here, and returns the other end.
    fn send(stream: &UnixStream, bytes: &[u8], count: usize) -> UnixStream {
        let (reader, writer) = UnixStream::pair().unwrap();
        let fds = vec![writer.as_raw_fd(); count];
        let rights = [ControlMessage::ScmRights(&fds)];
        sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(bytes)], &rights, MsgFlags::empty(), None).unwrap();
        reader
    }

    #[test]
    fn descriptors_arrive_close_on_exec_with_their_bytes() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        for (count, credentials) in [(1, false), (2, true), (MAX_FDS, false), (MAX_FDS, true)] {
            setsockopt(&ours, PassCred, &credentials).unwrap();
            let mut reader = send(&theirs, b"lent", count);
            let mut buffer = [0; 64];
            let (length, fds) = receive(ours.as_fd(), &mut buffer, count).unwrap();
            assert_eq!((&buffer[..length], fds.len()), (&b"lent"[..], count));
            for fd in &fds {
                let flags = FdFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFD).unwrap());
                assert!(flags.contains(FdFlag::FD_CLOEXEC));
            }
            drop(fds);
            assert_eq!(reader.read(&mut buffer).unwrap(), 0, "one is still open");
        }
        drop(theirs);
        let (length, fds) = receive(ours.as_fd(), &mut [0; 8], 1).unwrap();
        assert_eq!((length, fds.len()), (0, 0));
    }

    /// Promise 12.11.
    #[test]
    fn more_descriptors_than_asked_for_are_an_error_and_are_closed() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        for (sent, max) in [(1, 0), (2, 1), (4, 1), (MAX_FDS, MAX_FDS - 1), (12, 8)] {
            let mut reader = send(&theirs, b"x", sent);
            let error = receive(ours.as_fd(), &mut [0; 8], max).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{sent} {max}: {error}");
            assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0, "{sent} {max}: one is still open");
        }
    }
}
