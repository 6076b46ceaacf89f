//! The owner of the directory and its files.

use nix::fcntl::AtFlags;
use nix::sys::stat::FileStat;
use nix::unistd::{Gid, Uid, fchownat, geteuid};
use std::fmt::Display;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The user and the groups that may use the files.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// The user that the daemon runs as.
    pub(crate) user: u32,
    /// The group that the daemon runs as, if it changes its group.
    pub(crate) group: Option<u32>,
    /// A group whose members may connect to the socket, too.
    pub(crate) shared_with: Option<u32>,
}

impl Owner {
    /// Returns the group of the files.
    pub(super) fn file_group(&self) -> Option<Gid> {
        self.shared_with.or(self.group).map(Gid::from_raw)
    }

    /// Returns `true` if files that this process creates have the right owner and group already. A unit of systemd may forbid
    /// chown(2) then (`SystemCallFilter=~@privileged`).
    pub(super) fn is_this_process(&self) -> bool {
        self.user == geteuid().as_raw() && self.file_group().is_none()
    }
}

/// Returns `true` if a file belongs to this process's user, or to the user that the daemon will run as.
pub(super) fn is_ours(status: &FileStat, owner: &Owner) -> bool {
    status.st_uid == geteuid().as_raw() || status.st_uid == owner.user
}

/// Changes the owner and the group of a file in the directory.
pub(super) fn chown(directory: &OwnedFd, name: &str, owner: &Owner) -> nix::Result<()> {
    if owner.is_this_process() {
        return Ok(());
    }
    fchownat(directory, name, Some(Uid::from_raw(owner.user)), owner.file_group(), AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// Returns "failed to \<verb\> `<path>`: \<cause\>".
pub(super) fn failed(verb: &str, path: &Path, cause: impl Display) -> String {
    format!("failed to {verb} `{}`: {cause}", path.display())
}
