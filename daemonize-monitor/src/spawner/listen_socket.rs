//! A listening socket that the monitor holds for a bot. To be opened on a thread: the mount of a path may hang, and so may the look for
//! the process that has an address already.

use super::address_holder;
use super::unix_socket::{self, SocketFile, SocketOwner};
use crate::bot::ListenAddress;
use crate::error::cause;
use crate::program::StartError;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{Ipv6V6Only, ReuseAddr};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// See the module. It is closed when it is dropped; the file of a Unix socket is removed then.
pub(crate) struct ListenSocket {
    socket: OwnedFd,
    /// Dropping it removes the file.
    file: Option<SocketFile>,
}

impl ListenSocket {
    /// Binds the address, and listens with the longest backlog that the kernel allows (`net.core.somaxconn`).
    ///
    /// # Errors
    /// The address cannot be bound; names the process that has it already, where that is known.
    pub(super) fn open(address: &ListenAddress, owner: SocketOwner) -> Result<ListenSocket, StartError> {
        let opened = match address {
            ListenAddress::Tcp(address) => open_tcp(*address).map_err(|errno| (errno, tcp_cause(*address, errno))),
            ListenAddress::Unix { path, mode } => unix_socket::open(path, *mode, owner),
        };
        let (socket, file) = opened.map_err(|(errno, why)| refused(address, errno, &why))?;
        // The backlog is bounded by the kernel, and not by what a program would have chosen.
        listen(&socket, Backlog::MAXALLOWABLE).map_err(|errno| refused(address, errno, &cause(&errno.into())))?;
        Ok(ListenSocket { socket, file })
    }

    /// Gives the file of a Unix socket another mode and owner; does nothing for other sockets.
    ///
    /// # Errors
    /// The file is gone, or another process has replaced it.
    pub(super) fn adjust(&self, address: &ListenAddress, owner: SocketOwner) -> Result<(), StartError> {
        match (&self.file, address) {
            (Some(file), ListenAddress::Unix { mode, .. }) => {
                file.adjust(*mode, owner).map_err(|(errno, why)| refused(address, errno, &why))
            }
            _ => Ok(()),
        }
    }
}

impl AsFd for ListenSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open_tcp(address: SocketAddr) -> nix::Result<(OwnedFd, Option<SocketFile>)> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    // Blocking, as from systemd: whether it blocks is a property of the socket, and so of all programs that share it.
    let fd = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    // Connections of an earlier program that are in TIME_WAIT do not keep the port.
    setsockopt(&fd, ReuseAddr, &true)?;
    if address.is_ipv6() {
        setsockopt(&fd, Ipv6V6Only, &true)?;
    }
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok((fd, None))
}

fn tcp_cause(address: SocketAddr, errno: Errno) -> String {
    match errno {
        Errno::EADDRINUSE => address_holder::in_use(address_holder::of_port(address)),
        Errno::EADDRNOTAVAIL => "no interface of this machine has this address".to_owned(),
        Errno::EACCES => {
            format!("the port {} is for root, or for a monitor with CAP_NET_BIND_SERVICE", address.port())
        }
        errno => cause(&errno.into()),
    }
}

fn refused(address: &ListenAddress, errno: Errno, why: &str) -> StartError {
    let is_shortage = matches!(errno, Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM);
    let text = format!("failed to listen on `{address}`: {why}");
    StartError { text, errno: errno as i32, shortage: is_shortage }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const OWN: SocketOwner = SocketOwner { user: None, group: None };

    /// Promise 6.65.
    #[test]
    fn address_in_use_names_the_process_that_has_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = ListenAddress::Tcp(taken.local_addr().unwrap());
        let why = ListenSocket::open(&address, OWN).err().unwrap();
        assert!(why.text.contains(&format!("failed to listen on `{address}`: it is in use by process")), "{why:?}");
        assert!(why.text.contains(&std::process::id().to_string()), "{why:?}");
        assert_eq!((why.errno, why.shortage), (Errno::EADDRINUSE as i32, false));
        drop(taken);
        assert!(ListenSocket::open(&address, OWN).is_ok());
    }

    #[test]
    fn socket_is_not_inherited_by_programs_that_are_not_passed_it() {
        let probe = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let held = ListenSocket::open(&ListenAddress::Tcp(probe), OWN).unwrap();
        let flags = nix::fcntl::fcntl(held.as_fd(), nix::fcntl::FcntlArg::F_GETFD).unwrap();
        assert_eq!(flags & nix::libc::FD_CLOEXEC, nix::libc::FD_CLOEXEC);
    }
}
