//! Opening a log file in a directory that was judged: neither through a link, nor one that somebody else put there.

use crate::directory::{self, Directory, kind};
use crate::error::cause;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{Uid, geteuid};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;

/// The mode of a log file that is made.
pub(crate) const MODE: u32 = 0o640;

/// Opens a log file for appending, and makes it if it is missing; also tells whether it was. `user` is whose log it may be
/// besides root's and our own.
pub(crate) fn open_to_append(
    directory: &Directory,
    name: &OsStr,
    user: Option<Uid>,
) -> Result<(OwnedFd, bool), String> {
    let flags = OFlag::O_WRONLY | OFlag::O_APPEND;
    let make = || open(directory, name, flags | OFlag::O_CREAT | OFlag::O_EXCL).map(|fd| (fd, true));
    let take = || open(directory, name, flags).map(|fd| (fd, false));
    // Whoever rotates logs may make or move the file between two looks at it.
    let opened = make().or_else(|errno| if errno == nix::Error::EEXIST { take() } else { Err(errno) });
    let opened = opened.or_else(|errno| if errno == nix::Error::ENOENT { make() } else { Err(errno) });
    let (fd, is_new) = opened.map_err(describe)?;
    judge(&fd, directory, user)?;
    Ok((fd, is_new))
}

/// Opens a log file for reading; `None` if there is none. `user` is as above.
pub(crate) fn open_to_read(directory: &Directory, name: &OsStr, user: Option<Uid>) -> Result<Option<OwnedFd>, String> {
    match open(directory, name, OFlag::O_RDONLY) {
        Err(nix::Error::ENOENT) => Ok(None),
        opened => {
            let fd = opened.map_err(describe)?;
            judge(&fd, directory, user)?;
            Ok(Some(fd))
        }
    }
}

fn open(directory: &Directory, name: &OsStr, flags: OFlag) -> nix::Result<OwnedFd> {
    // O_NONBLOCK, so that a FIFO nobody has at its other end is refused instead of waited for.
    let always = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    openat(&directory.0, name, flags | always, Mode::from_bits_truncate(MODE))
}

/// A regular file with one name, and of somebody who may have made it where others can make files.
fn judge(fd: &OwnedFd, directory: &Directory, user: Option<Uid>) -> Result<(), String> {
    let status = fstat(fd).map_err(describe)?;
    let owner = Uid::from_raw(status.st_uid);
    if kind(&status) != SFlag::S_IFREG {
        return Err("it is not a regular file".into());
    }
    if status.st_nlink > 1 {
        return Err("it has more than one name (hard links)".into());
    }
    if directory.1 && owner != geteuid() && user != Some(owner) {
        return Err(format!("it belongs to {}", directory::describe(owner)));
    }
    Ok(())
}

fn describe(errno: nix::Error) -> String {
    match errno {
        nix::Error::ELOOP => "it is a symbolic link".into(),
        nix::Error::EISDIR => "it is a directory".into(),
        nix::Error::ENXIO => "it is a FIFO or a socket".into(),
        errno => cause(&errno.into()),
    }
}
