//! Opens log files, for the start and again after SIGHUP.

use crate::error::cause;
use crate::sys::trust::directory::{Directory, DirectoryPolicy, open_directory};
use crate::sys::trust::log_file;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, fchown};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The owner of the log files that are created.
pub(crate) type Owner = (Option<Uid>, Option<Gid>);

/// Opens log files, and remembers the directory of the last one.
pub(crate) struct LogFiles {
    owner: Owner,
    /// The directory of the last log file, which was checked: two log files are mostly in the same one.
    last: Option<(PathBuf, Directory)>,
}

impl LogFiles {
    pub(crate) fn new(owner: Owner) -> LogFiles {
        LogFiles { owner, last: None }
    }

    /// Opens a log file for appending: a regular file with one hard link, not a symbolic link; created with mode 0640.
    pub(crate) fn open(&mut self, path: &Path) -> Result<Arc<OwnedFd>, String> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err("it names no file".into());
        };
        let last = match self.last.take() {
            Some(last) if last.0 == parent => last,
            _ => (parent.to_owned(), open_directory(parent, DirectoryPolicy::Log(self.owner.0))?),
        };
        let (_, directory) = self.last.insert(last);
        open_in(directory, name, self.owner).map(|(fd, _)| Arc::new(fd))
    }
}

/// Opens a log file in a directory that was judged, as [`LogFiles::open`] does. Also returns whether it was created.
pub(super) fn open_in(directory: &Directory, name: &OsStr, (user, group): Owner) -> Result<(OwnedFd, bool), String> {
    let (fd, is_new) = log_file::open_to_append(directory, name, user)?;
    if is_new {
        // Regardless of the umask, which the launcher has from the user's shell.
        fchmod(&fd, Mode::from_bits_truncate(log_file::MODE)).map_err(describe)?;
        if (user, group) != (None, None) {
            fchown(&fd, user, group).map_err(describe)?;
        }
    }
    // Clears O_NONBLOCK, with which the file was opened: writers do not expect EAGAIN.
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_APPEND)).map_err(describe)?;
    Ok((fd, is_new))
}

fn describe(errno: nix::Error) -> String {
    cause(&errno.into())
}
