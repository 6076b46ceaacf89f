//! The socket to which a bot says that it is ready, in the language of `sd_notify(3)`.

use daemonize_core::Pid;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, UnixCredentials, bind, getsockname,
    recvmsg, setsockopt, socket, sockopt::PassCred,
};
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// What somebody said, and who, by the kernel's own word.
pub(crate) struct Message {
    /// `None` for a process of another pid namespace.
    pub(crate) sender: Option<Pid>,
    pub(crate) user: u32,
    pub(crate) is_ready: bool,
}

/// A socket of one bot.
pub(crate) struct Notify {
    socket: OwnedFd,
    address: String,
}

impl Notify {
    /// At an address of the abstract name space that the kernel chooses, which every user reaches.
    pub(crate) fn new() -> nix::Result<Notify> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
        setsockopt(&socket, PassCred, &true)?;
        bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
        let name: UnixAddr = getsockname(socket.as_raw_fd())?;
        let name = name.as_abstract().ok_or(Errno::EADDRNOTAVAIL)?;
        let address = format!("@{}", std::str::from_utf8(name).map_err(|_| Errno::EADDRNOTAVAIL)?);
        Ok(Notify { socket, address })
    }

    /// What `NOTIFY_SOCKET` is to be.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The next message, if there is one.
    pub(crate) fn receive(&self) -> Option<Message> {
        let mut text = [0; 4096];
        let mut space = cmsg_space!(UnixCredentials);
        let (length, sender) = {
            let mut pieces = [IoSliceMut::new(&mut text)];
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
            let message = recvmsg::<()>(self.socket.as_raw_fd(), &mut pieces, Some(&mut space), flags).ok()?;
            let sender = message.cmsgs().ok()?.find_map(|cmsg| match cmsg {
                ControlMessageOwned::ScmCredentials(credentials) => Some(credentials),
                _ => None,
            });
            (message.bytes, sender?)
        };
        let is_ready = text[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1");
        Some(Message { sender: Pid::from_raw(sender.pid()), user: sender.uid(), is_ready })
    }
}

impl AsFd for Notify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
