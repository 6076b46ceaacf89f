//! The private directory of a daemon on demand, beside its pidfile (`docs/places.md`), with the sockets of its clients.
//!
//! Its path depends on the daemon and on the user alone, and not on the environment of the caller, so that a session, cron and `sudo`
//! find the same daemon. It belongs to the daemon's user and has mode 0700. It is opened once, and every operation is relative to the
//! open directory, so that no other user can lead a client or the daemon elsewhere, and a path of any length can be bound.

mod bind;
mod connect;
mod create;
mod open;
mod place;
mod watch;

pub(crate) use place::Directory;
pub(crate) use watch::Watch;

use daemonize_sys::error::{cause, failed};
use nix::errno::Errno;
use nix::fcntl::renameat;
use nix::sys::socket::UnixAddr;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The name of the socket at which clients connect.
pub(crate) const SOCKET: &str = "socket";

/// The name of the socket for requests of the library, which do not count as activity.
pub(crate) const CONTROL: &str = "control";

/// The name of the socket of clients while the daemon exits: no new client finds it.
pub(crate) const LEAVING: &str = "leaving";

/// A directory of a daemon on demand that was opened and judged.
#[derive(Debug)]
pub(crate) struct OpenDirectory {
    path: PathBuf,
    fd: OwnedFd,
    /// The user and group to which new sockets are given, if the daemon changes its user.
    owner: Option<(u32, Option<u32>)>,
}

impl OpenDirectory {
    /// Renames a socket; what has the name `to` is replaced (`renameat(2)`). The listener stays the same.
    ///
    /// # Errors
    /// `NotFound` if there is no such socket.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        renameat(&self.fd, from, &self.fd, to).map_err(|errno| self.error("rename", from, errno))
    }

    /// Removes a socket (`unlinkat(2)`). Returns `false` if there is none.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> io::Result<bool> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(self.error("remove", name, errno)),
        }
    }

    /// Returns the address of a socket, for a caller that connects itself. It is valid while this directory is open.
    ///
    /// # Errors
    /// The name is too long for a socket.
    pub(crate) fn address(&self, name: &str) -> io::Result<UnixAddr> {
        UnixAddr::new(self.entry(name).as_str()).map_err(|errno| self.error("connect to", name, errno))
    }

    /// Returns a path to an entry that leads through the open directory (`proc_pid_fd(5)`), and is never too long for a socket.
    fn entry(&self, name: &str) -> String {
        format!("/proc/self/fd/{}/{name}", self.fd.as_raw_fd())
    }

    /// Returns the error "failed to \<verb\> \<path of the entry\>: \<cause\>", of the kind of the cause.
    pub(crate) fn error(&self, verb: &str, name: &str, errno: Errno) -> io::Error {
        error_at(verb, &self.path.join(name), errno)
    }
}

impl AsFd for OpenDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Returns the error "failed to \<verb\> \<path\>: \<cause\>", of the kind of the cause.
fn error_at(verb: &str, path: &Path, errno: Errno) -> io::Error {
    let error = io::Error::from(errno);
    io::Error::new(error.kind(), failed(verb, path.display(), format_args!("{}{}", cause(&error), fix(errno))))
}

/// Returns what a user can do about a cause that lies in the place.
fn fix(errno: Errno) -> &'static str {
    match errno {
        Errno::ENOSPC | Errno::EDQUOT => ": free some space",
        Errno::EISDIR => ": remove it",
        Errno::EROFS | Errno::EACCES => ": set `pidfile` to a path in a directory that this user can write",
        Errno::EOPNOTSUPP | Errno::EPERM | Errno::ENOSYS => {
            ": the file system may not have sockets: set `pidfile` to a path on a local one"
        }
        _ => "",
    }
}
