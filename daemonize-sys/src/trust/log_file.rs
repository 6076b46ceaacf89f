//! Opening a log file in a directory that was judged: neither through a link, nor one that another user has put there.
//!
//! A user that can remove files from the directory can also give a file of root's a second name there for a moment
//! (where `fs.protected_hardlinks` is 0), or move a file there that root has put into another directory of that user.
//! So in the directory of the user that a log is written for, a log must belong to that user; in other directories that
//! are not root's alone, the log's name is looked at again.

use super::directory::Directory;
use super::{FileId, FilePolicy, OTHERS_WRITE, SAFE_FLAGS, is_sticky};
use crate::account;
use crate::error::cause;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{Uid, fchown, geteuid};
use std::ffi::OsStr;
use std::fs;
use std::os::fd::OwnedFd;

/// The mode of a log file that is made.
pub const MODE: u32 = 0o640;

/// The file that holds `0` if any user can give any file of the same file system a second name (`proc_sys_fs(5)`).
const PROTECTED_LINKS: &str = "/proc/sys/fs/protected_hardlinks";

/// The number of checks of a name. A process that creates and removes a hard link meanwhile would have to match the timing of each.
const NAME_CHECKS: usize = 32;

/// Opens a log file for appending, and makes it if it is missing; also tells whether it was. `user` is whose log it may be
/// besides root's and our own; in a directory of that user, one that is made is given to them.
pub fn open_to_append(directory: &Directory, name: &OsStr, user: Option<Uid>) -> Result<(OwnedFd, bool), String> {
    let flags = OFlag::O_WRONLY | OFlag::O_APPEND;
    let make = || open(directory, name, flags | OFlag::O_CREAT | OFlag::O_EXCL).map(|fd| (fd, true));
    let take = || open(directory, name, flags).map(|fd| (fd, false));
    // A program that rotates logs may make or move the file between two looks at it.
    let opened = make().or_else(|errno| if errno == nix::Error::EEXIST { take() } else { Err(errno) });
    let opened = opened.or_else(|errno| if errno == nix::Error::ENOENT { make() } else { Err(errno) });
    let (fd, is_new) = opened.map_err(describe)?;
    if !is_new {
        judge(&fd, directory, name, user, links_are_protected)?;
    } else if user.is_some() {
        if let Some(user) = of_the_user(&fstat(&directory.fd).map_err(describe)?, user) {
            fchown(&fd, Some(user), None).map_err(describe)?;
        }
    }
    Ok((fd, is_new))
}

/// Opens a log file for reading; `None` if there is none. `user` is as above.
pub fn open_to_read(directory: &Directory, name: &OsStr, user: Option<Uid>) -> Result<Option<OwnedFd>, String> {
    match open(directory, name, OFlag::O_RDONLY) {
        Err(nix::Error::ENOENT) => Ok(None),
        opened => {
            let fd = opened.map_err(describe)?;
            judge(&fd, directory, name, user, links_are_protected)?;
            Ok(Some(fd))
        }
    }
}

fn open(directory: &Directory, name: &OsStr, flags: OFlag) -> nix::Result<OwnedFd> {
    openat(&directory.fd, name, flags | SAFE_FLAGS, Mode::from_bits_truncate(MODE))
}

/// Refuses a file that is not a regular one with one name, or whose owner cannot have made it here as a log.
fn judge(
    fd: &OwnedFd,
    directory: &Directory,
    name: &OsStr,
    user: Option<Uid>,
    links_are_protected: fn() -> bool,
) -> Result<(), String> {
    let status = fstat(fd).map_err(describe)?;
    let owner = Uid::from_raw(status.st_uid);
    let owners = [Some(geteuid()), user].into_iter().flatten().collect::<Vec<_>>();
    let owners = directory.is_shared.then_some(&*owners);
    let policy = FilePolicy { kind: SFlag::S_IFREG, owners, has_one_name: true, forbidden: 0 };
    policy.check(&status).map_err(|distrust| format!("{distrust}"))?;
    let above = fstat(&directory.fd).map_err(describe)?;
    if let Some(user) = of_the_user(&above, user).filter(|user| *user != owner) {
        let (owner, user) = (account::describe(owner), account::describe(user));
        return Err(format!(
            "it belongs to {owner}, but could have been put there by {user}, whose directory that is: `chown` it to {user}, or \
             remove it"
        ));
    }
    if owner == geteuid() && others_can_remove(&above) && !links_are_protected() {
        return prove_only_name(fd, directory, name);
    }
    Ok(())
}

/// Returns the user that a log is written for if the directory belongs to that user, and not to this process's user.
fn of_the_user(directory: &FileStat, user: Option<Uid>) -> Option<Uid> {
    user.filter(|user| user.as_raw() == directory.st_uid && *user != geteuid())
}

/// Returns `true` if others than root and ourselves can remove a file of ours from a directory.
fn others_can_remove(directory: &FileStat) -> bool {
    let owner = Uid::from_raw(directory.st_uid);
    let writable = directory.st_mode & OTHERS_WRITE != 0 && !is_sticky(directory);
    writable || !(owner.is_root() || owner == geteuid())
}

fn links_are_protected() -> bool {
    fs::read_to_string(PROTECTED_LINKS).is_ok_and(|value| value.trim() != "0")
}

/// Refuses a file that is not the one of this name, or has another name: a second one that is gone when the names are
/// counted is not there when it is looked for.
fn prove_only_name(fd: &OwnedFd, directory: &Directory, name: &OsStr) -> Result<(), String> {
    for _ in 0..NAME_CHECKS {
        let file = fstat(fd).map_err(describe)?;
        let named = fstatat(&directory.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(describe)?;
        if file.st_nlink != 1 || FileId::of(&file) != FileId::of(&named) {
            return Err("it has had more than one name (hard links)".into());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::open as open_path;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    const LOG: &str = "web.log";

    /// A directory that the group `mode` says can write, open as a place of logs, with a file beside the log.
    fn place(directory: &Path, mode: u32) -> Directory {
        fs::write(directory.join("precious"), "secret").unwrap();
        fs::set_permissions(directory, Permissions::from_mode(mode)).unwrap();
        let fd = open_path(directory, OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty()).unwrap();
        Directory { fd, is_shared: false }
    }

    /// Judges a file that was a second name of another when it was opened, and not any more.
    fn judged(mode: u32, links_are_protected: fn() -> bool) -> Result<(), String> {
        let directory = tempfile::tempdir().unwrap();
        let place = place(directory.path(), mode);
        let log = directory.path().join(LOG);
        fs::hard_link(directory.path().join("precious"), &log).unwrap();
        let fd = open(&place, LOG.as_ref(), OFlag::O_WRONLY).unwrap();
        fs::remove_file(log).unwrap();
        judge(&fd, &place, LOG.as_ref(), None, links_are_protected)
    }

    /// Promise 2.15.
    #[test]
    fn log_whose_second_name_is_gone_is_refused_where_links_are_not_protected() {
        judged(0o770, || false).unwrap_err();
        assert_eq!(judged(0o770, || true), Ok(()));
        // No other user can have made the second name.
        assert_eq!(judged(0o750, || false), Ok(()));
    }

    #[test]
    fn log_with_one_name_is_taken_where_links_are_not_protected() {
        let directory = tempfile::tempdir().unwrap();
        let place = place(directory.path(), 0o770);
        let (_, is_new) = open_to_append(&place, LOG.as_ref(), None).unwrap();
        let fd = open(&place, LOG.as_ref(), OFlag::O_WRONLY).unwrap();
        assert!(is_new);
        assert_eq!(judge(&fd, &place, LOG.as_ref(), None, || false), Ok(()));
        // One that was replaced by another of its name is not.
        fs::rename(directory.path().join("precious"), directory.path().join(LOG)).unwrap();
        judge(&fd, &place, LOG.as_ref(), None, || false).unwrap_err();
    }
}
