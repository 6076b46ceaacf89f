//! Opening files and directories that decide what this process does, or that it writes as root.
//!
//! The rules, of which each caller takes the part that it needs:
//!
//! * A name is opened in a directory that is open already, never through a link, and never so that a FIFO or a terminal
//!   behind the name could block or take over this process ([`SAFE_FLAGS`]). Everything else is asked of the descriptor.
//! * The way there ([`directory`]): a user that can write a directory can swap everything below it. For root each directory
//!   from `/` on belongs to root, or to the one user whose file it is, and no other user can write it unless it is sticky.
//!   Only links that root made in a directory of root's alone are followed. For other users the last directory alone is
//!   judged: one that any user can write has to be sticky.
//! * The file ([`FilePolicy`]): of the expected kind; of an owner that may decide; with one name, since another user can give a
//!   file of root's a second one in a directory of its own; and not writable (or not even readable) by others.
//! * Logs ([`log_file`]) are only appended to, so that their directories may belong to the user that they are written for.

pub mod directory;
pub mod log_directory;
pub mod log_file;

use crate::account;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, SFlag};
use nix::unistd::{Uid, geteuid};
use std::fmt;

/// Opens what a name is, not what it leads to, and without waiting: a FIFO fails with `ENXIO`, or is judged by its kind.
pub const SAFE_FLAGS: OFlag = OFlag::O_NOFOLLOW.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);

/// Bits with which others than the owner could write.
pub const OTHERS_WRITE: u32 = 0o022;

/// Bits with which others than the owner could open a file, and so hold its lock.
pub const OTHERS_OPEN: u32 = 0o077;

/// The rules for a file.
#[derive(Clone, Copy, Debug)]
pub struct FilePolicy<'a> {
    /// The kind that it must be of.
    pub kind: SFlag,
    /// The users that may own it; `None` if any user may.
    pub owners: Option<&'a [Uid]>,
    /// `true` if it must not have a second name.
    pub has_one_name: bool,
    /// Bits that its mode must not have.
    pub forbidden: u32,
}

/// The reason why a file is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// It is of this kind.
    Kind(SFlag),
    /// It has more than one name.
    SeveralNames,
    /// It belongs to this user.
    Owner(Uid),
    /// Others can open it with this mode.
    Open(u32),
    /// Others can write it with this mode.
    Write(u32),
}

impl FilePolicy<'_> {
    /// Checks a file by the status of its descriptor.
    ///
    /// # Errors
    /// The first rule that it breaks: of its kind, its names, its owner, its mode, in this order.
    pub fn check(&self, status: &FileStat) -> Result<(), Distrust> {
        let owner = Uid::from_raw(status.st_uid);
        if kind(status) != self.kind {
            return Err(Distrust::Kind(kind(status)));
        }
        if self.has_one_name && status.st_nlink > 1 {
            return Err(Distrust::SeveralNames);
        }
        if self.owners.is_some_and(|owners| !owners.contains(&owner)) {
            return Err(Distrust::Owner(owner));
        }
        let mode = status.st_mode & 0o7777;
        match mode & self.forbidden {
            0 => Ok(()),
            _ if self.forbidden == OTHERS_OPEN => Err(Distrust::Open(mode)),
            _ => Err(Distrust::Write(mode)),
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Distrust::Kind(SFlag::S_IFDIR) => f.write_str("it is a directory"),
            Distrust::Kind(_) => f.write_str("it is not a regular file"),
            Distrust::SeveralNames => f.write_str("it has more than one name (hard links)"),
            Distrust::Owner(owner) => write!(f, "it belongs to {}", account::describe(*owner)),
            Distrust::Open(mode) => write!(f, "others than its owner can open it (mode {mode:04o})"),
            Distrust::Write(mode) => write!(f, "others than its owner can write it (mode {mode:04o})"),
        }
    }
}

/// Returns the two users whose files this process acts on: root, and the one that it runs as.
pub fn root_and_self() -> [Uid; 2] {
    [Uid::from_raw(0), geteuid()]
}

/// Returns the kind of a file.
pub fn kind(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

/// Returns `true` if a directory is sticky: only the owner of a file, the owner of the directory and root can remove
/// the file (`inode(7)`).
pub fn is_sticky(status: &FileStat) -> bool {
    status.st_mode & libc::S_ISVTX != 0
}

/// Identifies a file regardless of its names, by device and inode number (`inode(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    device: libc::dev_t,
    inode: libc::ino_t,
}

impl FileId {
    /// Returns the identity of the file with this status.
    pub fn of(status: &FileStat) -> FileId {
        FileId { device: status.st_dev, inode: status.st_ino }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{AT_FDCWD, openat};
    use nix::sys::stat::{Mode, fstat};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn check(path: &Path, policy: FilePolicy<'_>) -> Result<(), Distrust> {
        let file = openat(AT_FDCWD, path, OFlag::O_RDONLY | SAFE_FLAGS, Mode::empty()).unwrap();
        policy.check(&fstat(file).unwrap())
    }

    /// A private directory with a file of this mode.
    fn file(mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (directory, path)
    }

    #[test]
    fn file_policy_refuses_each_thing_that_it_names() {
        let owners = root_and_self();
        let strict =
            FilePolicy { kind: SFlag::S_IFREG, owners: Some(&owners), has_one_name: true, forbidden: OTHERS_WRITE };
        let (directory, path) = file(0o644);
        assert_eq!(check(&path, strict), Ok(()));
        assert_eq!(check(&path, FilePolicy { forbidden: OTHERS_OPEN, ..strict }), Err(Distrust::Open(0o644)));
        let stranger = [Uid::from_raw(geteuid().as_raw() + 1)];
        let of_stranger = FilePolicy { owners: Some(&stranger), ..strict };
        assert_eq!(check(&path, of_stranger), Err(Distrust::Owner(geteuid())));
        assert_eq!(check(directory.path(), strict), Err(Distrust::Kind(SFlag::S_IFDIR)));
        fs::set_permissions(&path, Permissions::from_mode(0o620)).unwrap();
        assert_eq!(check(&path, strict), Err(Distrust::Write(0o620)));
        fs::hard_link(&path, directory.path().join("second")).unwrap();
        assert_eq!(check(&path, strict), Err(Distrust::SeveralNames));
        let loose = FilePolicy { owners: None, has_one_name: false, forbidden: 0, ..strict };
        assert_eq!(check(&path, loose), Ok(()));
    }

    #[test]
    fn distrust_says_what_is_wrong() {
        let text = |distrust: Distrust| distrust.to_string();
        assert_eq!(text(Distrust::Kind(SFlag::S_IFIFO)), "it is not a regular file");
        assert_eq!(text(Distrust::Write(0o666)), "others than its owner can write it (mode 0666)");
        assert_eq!(text(Distrust::Owner(Uid::from_raw(0))), "it belongs to user `root` (uid 0)");
    }
}
