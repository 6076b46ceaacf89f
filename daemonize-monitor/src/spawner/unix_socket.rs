//! Binds a Unix socket to a path, safely in a directory that belongs to another user.
//!
//! The directory is opened once and judged as that of a log: for root no directory on the way may belong to other users than root and the
//! bot's. No link is followed. A file that is there is replaced only if it is a socket of root, of the monitor's user or of the bot's,
//! has one name, and no process listens on it. The socket has mode 0600 from its first moment on; its owner and mode are changed
//! through a descriptor of the very file that was bound.

use super::address_holder;
use crate::error::cause;
use crate::sys::account;
use crate::sys::trust::directory::{DirectoryPolicy, open_directory};
use crate::sys::trust::{FileId, kind, root_and_self};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, connect, socket};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, getegid, geteuid, unlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// An error, and its cause in words.
type Failed = (Errno, String);

/// The user and the group that own the file of a Unix socket; `None` for those of the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketOwner {
    pub(super) user: Option<Uid>,
    pub(super) group: Option<Gid>,
}

/// The file of a socket. Dropping it removes the file, if it is still the one that was bound.
pub(super) struct SocketFile {
    directory: OwnedFd,
    name: OsString,
    id: FileId,
}

impl SocketFile {
    /// Finds the file that was just bound. A process that can write the directory may have put another one there: only a socket of
    /// this process's user, with one name, is it.
    fn find(directory: OwnedFd, name: &OsStr) -> Result<SocketFile, Failed> {
        let status = fstatat(&directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(system)?;
        if kind(&status) != SFlag::S_IFSOCK || status.st_uid != geteuid().as_raw() || status.st_nlink != 1 {
            return Err(replaced());
        }
        Ok(SocketFile { directory, name: name.to_owned(), id: FileId::of(&status) })
    }

    /// Sets the mode and, as root, the owner, by a descriptor of the file.
    pub(super) fn adjust(&self, mode: u32, owner: SocketOwner) -> Result<(), Failed> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = openat(&self.directory, &*self.name, flags, Mode::empty()).map_err(system)?;
        if FileId::of(&fstat(&fd).map_err(system)?) != self.id {
            return Err(replaced());
        }
        if geteuid().is_root() {
            let (user, group) = (owner.user.unwrap_or_else(geteuid), owner.group.unwrap_or_else(getegid));
            fchownat(fd.as_fd(), "", Some(user), Some(group), AtFlags::AT_EMPTY_PATH).map_err(system)?;
        }
        // By the descriptor: fchmodat(2) without following links came with Linux 6.6.
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|error| (Errno::EPERM, cause(&error)))
    }
}

fn replaced() -> Failed {
    (Errno::EEXIST, "another process has replaced it".to_owned())
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = fstatat(&self.directory, &*self.name, AtFlags::AT_SYMLINK_NOFOLLOW);
        if found.is_ok_and(|status| FileId::of(&status) == self.id) {
            let _ = unlinkat(&self.directory, &*self.name, UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// Binds a socket to a path, with this mode and owner. It does not listen yet.
pub(super) fn open(path: &Path, mode: u32, owner: SocketOwner) -> Result<(OwnedFd, Option<SocketFile>), Failed> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err((Errno::EINVAL, "it is not the path of a file".to_owned()));
    };
    let (directory, bound) = match open_directory(parent, DirectoryPolicy::PidFile) {
        // No other user can change where the path leads: the program finds the path itself as the name of its socket.
        Ok(directory) if !directory.is_shared => (directory.fd, UnixAddr::new(path).map_err(system)?),
        _ => {
            let directory = open_directory(parent, DirectoryPolicy::Log(owner.user));
            let directory = directory.map_err(|why| (Errno::EACCES, why))?.fd;
            let bound = address(&directory, name)?;
            (directory, bound)
        }
    };
    remove_stale(&directory, name, owner)?;
    let socket = unbound(SockFlag::empty())?;
    // On Linux, the file gets the mode of the socket (`unix_bind_bsd`): it is never open to others, not for a moment.
    fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR).map_err(system)?;
    bind(socket.as_raw_fd(), &bound).map_err(system)?;
    let file = SocketFile::find(directory, name)?;
    file.adjust(mode, owner)?;
    Ok((socket, Some(file)))
}

/// Removes a socket on which no process listens, if it may be one of an earlier monitor.
fn remove_stale(directory: &OwnedFd, name: &OsStr, owner: SocketOwner) -> Result<(), Failed> {
    let status = match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(()),
        status => status.map_err(system)?,
    };
    refuse_foreign(&status, owner).map_err(|why| (Errno::EEXIST, why))?;
    let connection = unbound(SockFlag::SOCK_NONBLOCK)?;
    match connect(connection.as_raw_fd(), &address(directory, name)?) {
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => {}
        // EAGAIN: its backlog is full. EPROTOTYPE: it is a socket of another type.
        Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE) => {
            return Err((Errno::EADDRINUSE, address_holder::in_use(address_holder::of_peer(&connection))));
        }
        Err(errno) => return Err(system(errno)),
    }
    match unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(system(errno)),
    }
}

/// Refuses to replace a file that an earlier monitor cannot have bound.
fn refuse_foreign(status: &FileStat, owner: SocketOwner) -> Result<(), String> {
    let what = match kind(status) {
        SFlag::S_IFSOCK => None,
        SFlag::S_IFLNK => Some("a symbolic link"),
        SFlag::S_IFDIR => Some("a directory"),
        _ => Some("a file"),
    };
    if let Some(what) = what {
        return Err(format!("{what} is there, and not a socket: remove it, or write another path"));
    }
    let user = Uid::from_raw(status.st_uid);
    if !root_and_self().contains(&user) && owner.user != Some(user) {
        return Err(format!("a socket of {} is there: remove it, or write another path", account::describe(user)));
    }
    if status.st_nlink != 1 {
        return Err("a socket with several names (hard links) is there: remove it".to_owned());
    }
    Ok(())
}

fn unbound(flags: SockFlag) -> Result<OwnedFd, Failed> {
    socket(AddressFamily::Unix, SockType::Stream, flags | SockFlag::SOCK_CLOEXEC, None).map_err(system)
}

/// Returns the address of a name in an open directory.
fn address(directory: &OwnedFd, name: &OsStr) -> Result<UnixAddr, Failed> {
    let path = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
    UnixAddr::new(&path).map_err(system)
}

fn system(errno: Errno) -> Failed {
    (errno, cause(&errno.into()))
}
