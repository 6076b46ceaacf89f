//! The listening sockets, from the launcher to the daemon's end.

use crate::directory::{CONTROL, Directory, LEAVING, OpenDirectory, SOCKET};
use daemonize_core::attach::Handle;
use daemonize_sys::escape::escape;
use daemonize_sys::fds::own_handed_over;
use nix::fcntl::AtFlags;
use nix::sys::socket::sockopt::{AcceptConn, SockType};
use nix::sys::socket::{SockType as StreamSocket, UnixAddr, getsockname, getsockopt};
use nix::sys::stat::fstatat;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

/// The name of a passed socket that is for clients (`FileDescriptorName=`).
const CLIENTS: &str = "clients";

/// The sockets in the daemon's directory, and those that a service manager has passed.
#[derive(Debug)]
pub(super) struct Listeners {
    directory: OpenDirectory,
    clients: UnixListener,
    control: UnixListener,
    /// The file of the clients' socket: device and inode. A later daemon may have replaced the name.
    file: (u64, u64),
    passed: Vec<UnixListener>,
}

impl Listeners {
    /// Binds the sockets, in place of those of a dead daemon. The pidfile is locked.
    pub(super) fn bind(place: &Directory) -> io::Result<Listeners> {
        let directory = place.create()?;
        // A daemon that died while it was leaving.
        directory.remove(LEAVING)?;
        let control = directory.bind(CONTROL)?;
        let clients = directory.bind(SOCKET)?;
        clients.set_nonblocking(true)?;
        control.set_nonblocking(true)?;
        let file = file_id(&directory, SOCKET)?;
        directory.hand_over()?;
        Ok(Listeners { directory, clients, control, file, passed: Vec::new() })
    }

    /// Returns the descriptors that the daemon inherits.
    pub(super) fn descriptors(&self) -> Vec<RawFd> {
        vec![self.directory.as_fd().as_raw_fd(), self.clients.as_raw_fd(), self.control.as_raw_fd()]
    }

    /// Takes the sockets that the service manager has passed for clients. Its unit decides who may connect (`SocketMode=`).
    pub(super) fn take_passed(&mut self, daemon: &Handle) -> io::Result<()> {
        for (name, fd) in daemon.take_listen_fds(is_for_clients) {
            let socket = own_handed_over(fd);
            let is_listening = getsockopt(&socket, AcceptConn).unwrap_or(false);
            if !is_listening || getsockopt(&socket, SockType).ok() != Some(StreamSocket::Stream) {
                let why = "it is not a listening stream socket: use `ListenStream=` and `Accept=no`";
                return Err(io::Error::other(format!("failed to use the passed socket `{}`: {why}", escape(&name))));
            }
            let socket = UnixListener::from(socket);
            socket.set_nonblocking(true)?;
            self.passed.push(socket);
        }
        Ok(())
    }

    /// Returns the sockets of clients, and `true` for those that a service manager has passed.
    pub(super) fn for_clients(&self) -> impl Iterator<Item = (&UnixListener, bool)> {
        std::iter::once((&self.clients, false)).chain(self.passed.iter().map(|socket| (socket, true)))
    }

    /// Returns the socket of clients in the daemon's directory.
    pub(super) fn own(&self) -> &UnixListener {
        &self.clients
    }

    pub(super) fn control(&self) -> &UnixListener {
        &self.control
    }

    /// Hides the socket from new clients. Returns `false` if the name does not lead to it any more.
    pub(super) fn hide(&self) -> bool {
        self.is_ours(SOCKET) && self.directory.rename(SOCKET, LEAVING).is_ok()
    }

    /// Lets clients find the socket again.
    pub(super) fn show(&self) -> io::Result<()> {
        self.directory.rename(LEAVING, SOCKET)
    }

    /// Removes the names of the sockets. The pidfile is still locked, so no other daemon binds them meanwhile.
    pub(super) fn remove_names(&self) {
        if self.is_ours(SOCKET) {
            let _ = self.directory.remove(SOCKET);
            let _ = self.directory.remove(CONTROL);
        } else if self.is_ours(LEAVING) {
            let _ = self.directory.remove(LEAVING);
            let _ = self.directory.remove(CONTROL);
        }
    }

    fn is_ours(&self, name: &str) -> bool {
        file_id(&self.directory, name).is_ok_and(|file| file == self.file)
    }
}

/// Returns `true` for a Unix socket that was passed for clients: it has the name `clients`, or none of its own (`sd_listen_fds(3)`). The
/// body uses the others.
fn is_for_clients(name: &str, fd: RawFd) -> bool {
    (name == CLIENTS || name == "unknown" || name.ends_with(".socket")) && getsockname::<UnixAddr>(fd).is_ok()
}

/// Returns the device and the inode of an entry.
fn file_id(directory: &OpenDirectory, name: &str) -> io::Result<(u64, u64)> {
    let status = fstatat(directory.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    // Their types differ between architectures.
    #[allow(clippy::useless_conversion)]
    Ok((status.st_dev.into(), status.st_ino.into()))
}

/// Accepts a connection. Returns `None` if none waits.
pub(super) fn accept(listener: &UnixListener) -> io::Result<Option<UnixStream>> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => return Ok(Some(stream)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            // The client has left before it was accepted (`accept(2)`).
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
}
