//! The process at the other end of a connection.

use daemonize_sys::Pid;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::io;
use std::os::fd::AsFd;

/// The process that has connected, as the kernel reports it (`unix(7)`, `SO_PEERCRED`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its pid at that time; `None` if the process is not visible in this pid namespace. The kernel reuses pids.
    pub pid: Option<Pid>,
    /// Its effective user id.
    pub uid: u32,
    /// Its effective group id.
    pub gid: u32,
}

impl Peer {
    /// Returns the peer of a connected Unix socket.
    pub(super) fn of(socket: &impl AsFd) -> io::Result<Peer> {
        let peer = getsockopt(socket, PeerCredentials)?;
        Ok(Peer { pid: Pid::from_raw(peer.pid()), uid: peer.uid(), gid: peer.gid() })
    }
}
