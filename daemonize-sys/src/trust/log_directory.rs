//! Making the directory of one daemon's log, as root, for the user that the daemon runs as.

use super::directory::{DirectoryPolicy, open_directory};
use super::{OTHERS_WRITE, SAFE_FLAGS};
use crate::error::cause;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fchmod, fstat, mkdirat};
use nix::unistd::{Gid, Uid, fchown};
use std::os::fd::OwnedFd;
use std::path::Path;

/// The mode of a directory of logs that is made: the group reads, others do not.
pub const DIRECTORY_MODE: u32 = 0o750;

/// Makes a directory of logs for this user and group, unless it exists; the directory above it must exist. One that exists is left
/// as it is: opening the log judges it.
///
/// # Errors
/// The directory above is not root's, or the directory cannot be made.
pub fn make_log_directory(path: &Path, (user, group): (Option<Uid>, Option<Gid>)) -> Result<(), String> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err("it names no directory".into());
    };
    let failed = |errno: Errno| format!("failed to make `{}`: {}", path.display(), cause(&errno.into()));
    // A directory such as `/var/log`, which a group may write.
    let above = open_directory(parent, DirectoryPolicy::Log(None))?;
    match mkdirat(&above.fd, name, Mode::S_IRWXU) {
        Ok(()) => {}
        Err(Errno::EEXIST) => return Ok(()),
        Err(errno) => return Err(failed(errno)),
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | SAFE_FLAGS;
    let made = openat(&above.fd, name, flags, Mode::empty()).map_err(failed)?;
    if is_new(&made).map_err(failed)? {
        fchown(&made, user, group).map_err(failed)?;
        fchmod(&made, Mode::from_bits_truncate(DIRECTORY_MODE)).map_err(failed)
    } else {
        Err(format!("failed to make `{}`: another process has replaced it meanwhile", path.display()))
    }
}

/// Returns `true` for an empty directory of root's that no other user can write: a user who can write the directory above could have
/// moved another directory to its name.
fn is_new(directory: &OwnedFd) -> nix::Result<bool> {
    let status = fstat(directory)?;
    if status.st_uid != 0 || status.st_mode & OTHERS_WRITE != 0 {
        return Ok(false);
    }
    let mut entries = Dir::from_fd(directory.try_clone().map_err(|_| Errno::EMFILE)?)?;
    let is_empty =
        entries.iter().all(|entry| entry.is_ok_and(|entry| matches!(entry.file_name().to_bytes(), b"." | b"..")));
    Ok(is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::geteuid;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn directory_is_made_for_the_user_and_one_that_exists_is_left() {
        if !geteuid().is_root() {
            return;
        }
        let above = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir_in("/var").unwrap();
        let path = above.path().join("web");
        let (user, group) = (Uid::from_raw(4711), Gid::from_raw(4712));
        make_log_directory(&path, (Some(user), Some(group))).unwrap();
        let made = fs::metadata(&path).unwrap();
        assert_eq!((made.uid(), made.gid(), made.mode() & 0o7777), (4711, 4712, DIRECTORY_MODE));
        make_log_directory(&path, (None, None)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().uid(), 4711);
        // Below a directory of another user nothing is made.
        let error = make_log_directory(&path.join("below"), (None, None)).unwrap_err();
        assert!(error.contains("it belongs to uid 4711") || error.contains("belongs to"), "{error}");
        assert!(!path.join("below").exists());
    }

    #[test]
    fn directory_with_a_file_or_of_another_mode_is_not_new() {
        let directory = tempfile::tempdir().unwrap();
        let open = || nix::fcntl::open(directory.path(), OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()).unwrap();
        assert_eq!(is_new(&open()), Ok(geteuid().is_root()));
        fs::write(directory.path().join("file"), "").unwrap();
        assert_eq!(is_new(&open()), Ok(false));
        fs::remove_file(directory.path().join("file")).unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o770)).unwrap();
        assert_eq!(is_new(&open()), Ok(false));
    }
}
