//! One connection: connects without waiting, and checks to which user the listener belongs.

use crate::directory::Directory;
use daemonize_core::{Error, ErrorKind};
use daemonize_sys::account::describe;
use daemonize_sys::error::cause;
use nix::errno::Errno;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket};
use nix::unistd::{Uid, geteuid};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// Connects to a listener without waiting: `EAGAIN` if its backlog is full. The stream does not block.
pub(super) fn dial(address: &UnixAddr) -> nix::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let stream = UnixStream::from(socket(AddressFamily::Unix, SockType::Stream, flags, None)?);
    loop {
        match connect(stream.as_raw_fd(), address) {
            Ok(()) => return Ok(stream),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// The users from whose listeners a client takes greetings: itself, root, and the user that the daemon changes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrustedUsers {
    client: u32,
    owner: u32,
}

impl TrustedUsers {
    /// Returns the users for a socket in this directory.
    pub(super) fn of(place: &Directory) -> TrustedUsers {
        TrustedUsers { client: geteuid().as_raw(), owner: place.owner() }
    }

    /// Returns the effective user of the client.
    pub(super) fn client(self) -> u32 {
        self.client
    }
}

/// Refuses a listener of another user, before anything is read or sent.
///
/// The kernel reports the process that called listen(2): the launcher of the daemon, or a service manager (`unix(7)`, `SO_PEERCRED`). The
/// pid is therefore not the daemon's, which the greeting has.
pub(super) fn check_peer(stream: &UnixStream, name: &str, users: TrustedUsers) -> Result<(), Error> {
    let peer = getsockopt(stream, PeerCredentials)
        .map_err(|errno| failed(name, ErrorKind::System, &cause(&io::Error::from(errno))))?;
    let user = peer.uid();
    if [users.client, users.owner, 0].contains(&user) {
        return Ok(());
    }
    let why = format!("its socket belongs to {}, which could read all that is sent", describe(Uid::from_raw(user)));
    Err(failed(name, ErrorKind::Connect, &why))
}

/// Returns the error "failed to connect to \<name\>: \<cause\>".
#[cold]
pub(super) fn failed(name: &str, kind: ErrorKind, why: &str) -> Error {
    Error::new(kind, format!("failed to connect to `{name}`: {why}"))
}

/// Returns the error of a client that has waited for a start by another one.
#[cold]
pub(super) fn start_of_other_failed(name: &str, kind: ErrorKind, why: &str) -> Error {
    failed(name, kind, &format!("the start by another client has failed: {why}"))
}
