//! The sockets that this process has found before: their directories are judged once, and only compared afterwards.

use super::dial::TrustedUsers;
use crate::directory::{Directory, OpenDirectory, SOCKET};
use daemonize_core::Daemon;
use daemonize_sys::mutex::lock;
use nix::sys::socket::UnixAddr;
use nix::sys::stat::{FileStat, fstat, lstat};
use nix::unistd::geteuid;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// How many sockets a process remembers: more daemons than a client has.
const MAX_KNOWN_SOCKETS: usize = 16;

/// The sockets at which this process was served, the latest last.
static KNOWN_SOCKETS: Mutex<Vec<Arc<KnownSocket>>> = Mutex::new(Vec::new());

/// A socket in a directory that was opened and judged, with all directories above it.
#[derive(Debug)]
pub(super) struct KnownSocket {
    name: String,
    pidfile: Option<PathBuf>,
    users: TrustedUsers,
    path: PathBuf,
    identity: DirectoryIdentity,
    address: UnixAddr,
}

/// The properties of a directory that change when another one takes its name, or when it is opened to others.
#[derive(Debug, PartialEq)]
struct DirectoryIdentity {
    device: u64,
    inode: u64,
    user: u32,
    mode: u32,
}

impl DirectoryIdentity {
    fn of(status: &FileStat) -> DirectoryIdentity {
        // Their types differ between architectures.
        #[allow(clippy::useless_conversion)]
        let (device, inode) = (status.st_dev.into(), status.st_ino.into());
        DirectoryIdentity { device, inode, user: status.st_uid, mode: status.st_mode }
    }
}

impl KnownSocket {
    /// Returns the socket of this daemon if this process knows it, and its directory is still the one that was judged.
    pub(super) fn find<W>(daemon: &Daemon<W>) -> Option<Arc<KnownSocket>> {
        let (settings, client) = (daemon.settings(), geteuid().as_raw());
        let is_its = |known: &&Arc<KnownSocket>| {
            known.name == settings.name()
                && known.pidfile.as_deref() == settings.pidfile()
                && known.users.client() == client
        };
        // A daemon that changes its user belongs to another directory, whose user is looked up once.
        let known = lock(&KNOWN_SOCKETS).iter().rev().find(is_its).cloned()?;
        let is_unchanged = lstat(&known.path).is_ok_and(|status| DirectoryIdentity::of(&status) == known.identity);
        is_unchanged.then_some(known)
    }

    /// Returns the socket in a directory of this daemon that was judged. `None` if its path does not fit into an address.
    pub(super) fn of<W>(daemon: &Daemon<W>, place: &Directory, judged: &OpenDirectory) -> Option<KnownSocket> {
        let settings = daemon.settings();
        Some(KnownSocket {
            name: settings.name().to_owned(),
            pidfile: settings.pidfile().map(PathBuf::from),
            users: TrustedUsers::of(place),
            path: place.path().to_owned(),
            identity: DirectoryIdentity::of(&fstat(judged).ok()?),
            address: UnixAddr::new(&place.path().join(SOCKET)).ok()?,
        })
    }

    /// Remembers the socket: a client was served there.
    pub(super) fn remember(self) {
        let mut all = lock(&KNOWN_SOCKETS);
        all.retain(|other| other.name != self.name || other.pidfile != self.pidfile);
        if all.len() >= MAX_KNOWN_SOCKETS {
            all.remove(0);
        }
        all.push(Arc::new(self));
    }

    /// Returns the address of the socket.
    pub(super) fn address(&self) -> &UnixAddr {
        &self.address
    }

    /// Returns the users whose listener it may be.
    pub(super) fn users(&self) -> TrustedUsers {
        self.users
    }
}
