//! The sockets that this process has found before: their directories are judged once, and only compared afterwards.

use super::dial::TrustedUsers;
use crate::directory::{Directory, SOCKET};
use daemonize_core::Daemon;
use daemonize_sys::mutex::lock;
use nix::sys::socket::UnixAddr;
use nix::unistd::geteuid;
use std::fs;
use std::os::unix::fs::MetadataExt;
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
    fn of(path: &PathBuf) -> Option<DirectoryIdentity> {
        let status = fs::symlink_metadata(path).ok()?;
        let (user, mode) = (status.uid(), status.mode());
        Some(DirectoryIdentity { device: status.dev(), inode: status.ino(), user, mode })
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
        let is_unchanged = DirectoryIdentity::of(&known.path).is_some_and(|identity| identity == known.identity);
        is_unchanged.then_some(known)
    }

    /// Remembers a directory in which a client of this daemon was served. A path that does not fit into an address is not remembered.
    pub(super) fn remember<W>(daemon: &Daemon<W>, place: &Directory) {
        let settings = daemon.settings();
        let Ok(address) = UnixAddr::new(&place.path().join(SOCKET)) else { return };
        let Some(identity) = DirectoryIdentity::of(&place.path().to_owned()) else { return };
        let known = KnownSocket {
            name: settings.name().to_owned(),
            pidfile: settings.pidfile().map(PathBuf::from),
            users: TrustedUsers::of(place),
            path: place.path().to_owned(),
            identity,
            address,
        };
        let mut all = lock(&KNOWN_SOCKETS);
        all.retain(|other| other.name != known.name || other.pidfile != known.pidfile);
        if all.len() >= MAX_KNOWN_SOCKETS {
            all.remove(0);
        }
        all.push(Arc::new(known));
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
