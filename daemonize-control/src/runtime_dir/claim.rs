//! Takes possession of the directory, and removes what an earlier daemon left in it.

use super::names::{SOCKET, TOKEN};
use super::owner::{Owner, failed, is_ours};
use super::remove_leftovers::Removal;
use daemonize_sys::trust;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, fchown, geteuid, unlinkat};
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Creates the directory if necessary, opens it, and makes this process its only user. Also returns `true` if the directory
/// belonged to the daemon's user: then that user, or a process that it let in, has created all entries.
pub(super) fn claim(path: &Path, owner: &Owner) -> Result<(OwnedFd, bool), String> {
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed("create", path, error)),
        _ => {}
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = nix::fcntl::open(path, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::ENOTDIR | Errno::ELOOP => failed("use", path, "not a directory"),
        errno => failed("open", path, errno.desc()),
    })?;
    let status = fstat(&directory).map_err(|errno| failed("stat", path, errno.desc()))?;
    if !is_ours(&status, owner) {
        return Err(failed("use", path, format!("it belongs to uid {}", status.st_uid)));
    }
    let was_of_user = status.st_uid != geteuid().as_raw();
    if was_of_user {
        fchown(&directory, Some(geteuid()), None).map_err(|errno| failed("change the owner of", path, errno.desc()))?;
    }
    fchmod(&directory, Mode::S_IRWXU).map_err(|errno| failed("change the mode of", path, errno.desc()))?;
    Ok((directory, was_of_user))
}

/// Returns `true` if the directory is a mount point, or that cannot be determined: its entries may then belong to others.
pub(super) fn is_mount_point(path: &Path) -> bool {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return true };
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let how = OpenHow::new().flags(flags | OFlag::O_NOFOLLOW).resolve(ResolveFlag::RESOLVE_NO_XDEV);
    let parent = nix::fcntl::open(parent, flags, Mode::empty());
    parent.and_then(|parent| openat2(parent, name, how)).is_err()
}

/// Removes the socket and the token of a daemon that died, and whatever its user has put in their place. Refuses an entry that
/// another user created, because that user may still need it.
pub(super) fn remove_stale(path: &Path, directory: &OwnedFd, owner: &Owner) -> Result<(), String> {
    for (name, kind, mismatch) in
        [(SOCKET, SFlag::S_IFSOCK, "not a socket"), (TOKEN, SFlag::S_IFREG, "not a regular file")]
    {
        let entry = path.join(name);
        let status = match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => continue,
            status => status.map_err(|errno| failed("stat", &entry, errno.desc()))?,
        };
        // Left by a start that was interrupted while it emptied the directory.
        if status.st_uid == owner.user && status.st_uid != geteuid().as_raw() {
            let removed = Removal::new(directory, owner.user, &[SOCKET, TOKEN]).remove(c_string(name));
            removed.map_err(|why| failed("empty", path, why))?;
            continue;
        }
        if trust::kind(&status) != kind {
            return Err(failed("replace", &entry, mismatch));
        }
        if !is_ours(&status, owner) {
            return Err(failed("replace", &entry, format!("it belongs to uid {}", status.st_uid)));
        }
        unlinkat(directory, name, UnlinkatFlags::NoRemoveDir)
            .map_err(|errno| failed("remove", &entry, errno.desc()))?;
    }
    Ok(())
}

fn c_string(name: &str) -> CString {
    CString::new(name).unwrap_or_default()
}
