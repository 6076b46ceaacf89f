//! Receives datagrams with the credentials of their senders (`recvmsg(2)`, `unix(7)`).
//!
//! nix is not used, since it rejects a message with truncated ancillary data. Truncation is how unwanted file descriptors are refused.

use crate::syscall::syscall_result;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// A buffer for exactly one control message with credentials (`cmsg(3)`).
#[repr(C)]
#[derive(Clone, Copy)]
struct Control {
    header: libc::cmsghdr,
    credentials: libc::ucred,
}

/// Receives the next datagram of a socket with `SO_PASSCRED`, without blocking. Returns its length, and its sender if the kernel
/// reports one.
///
/// The credentials come first in the ancillary data. File descriptors that were sent along do not fit behind them, so the kernel
/// closes them (`MSG_CTRUNC`): they never count against the limit of this process, and a sender that waits for their close, such as
/// `sd_notify_barrier(3)`, continues.
///
/// # Errors
/// Returns `EAGAIN` if there is no datagram, or another error of `recvmsg(2)`.
pub fn receive(socket: BorrowedFd<'_>, text: &mut [u8]) -> io::Result<(usize, Option<libc::ucred>)> {
    // SAFETY: zeros are a valid control message and a valid message header.
    let (mut control, mut message) = unsafe { (mem::zeroed::<Control>(), mem::zeroed::<libc::msghdr>()) };
    let mut piece = libc::iovec { iov_base: text.as_mut_ptr().cast(), iov_len: text.len() };
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = ptr::from_mut(&mut control).cast();
    message.msg_controllen = mem::size_of::<Control>() as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: the header points to the text and to the control message, both of the lengths that it says.
    let length = syscall_result(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) } as libc::c_long)?;
    // Without credentials, the header is still zero.
    let is_told = (control.header.cmsg_level, control.header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_CREDENTIALS);
    Ok((usize::try_from(length).unwrap_or_default(), is_told.then_some(control.credentials)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg, setsockopt, sockopt::PassCred};
    use std::fs::File;
    use std::io::{IoSlice, Read};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn sender_is_told_and_descriptors_are_closed_by_the_kernel() {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        setsockopt(&ours, PassCred, &true).unwrap();
        let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        let fds = [write.as_raw_fd(), theirs.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&fds)];
        sendmsg::<()>(theirs.as_raw_fd(), &[IoSlice::new(b"READY=1")], &rights, MsgFlags::empty(), None).unwrap();
        drop(write);
        let mut text = [0; 64];
        let (length, sender) = receive(ours.as_fd(), &mut text).unwrap();
        let sender = sender.unwrap();
        assert_eq!(
            (&text[..length], sender.pid, sender.uid),
            (&b"READY=1"[..], nix::unistd::getpid().as_raw(), nix::unistd::getuid().as_raw())
        );
        // It ends: no process has the other end.
        assert_eq!(File::from(read).read(&mut text).unwrap(), 0);
        assert_eq!(receive(ours.as_fd(), &mut text).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
