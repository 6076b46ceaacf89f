//! Log rotation: `web.log` becomes `web.log.1`, `web.log.1` becomes `web.log.2`, and the oldest file is overwritten.
//!
//! All renames are relative to the open directory (`renameat(2)`), so that another user who owns a parent directory cannot
//! redirect them.

use super::log_path::LogDirectory;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, renameat};
use nix::sys::stat::fstatat;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::{OsStr, OsString};
use std::io;

impl LogDirectory<'_> {
    /// Rotates the log: renames the file to `PATH.1`, `PATH.1` to `PATH.2` and so on, up to `keep` old files. `keep` 0 removes
    /// the file. Does nothing if the file is missing: the last rotation renamed it, but could not open a new one.
    pub(super) fn rotate(&self, keep: u32) -> io::Result<()> {
        if fstatat(&self.directory.fd, self.name, AtFlags::AT_SYMLINK_NOFOLLOW) == Err(Errno::ENOENT) {
            return Ok(());
        }
        let rename = |from: &OsStr, to: &OsStr| renameat(&self.directory.fd, from, &self.directory.fd, to);
        for number in (1..keep).rev() {
            let _ = rename(&self.rotated_name(number), &self.rotated_name(number + 1));
        }
        match keep {
            0 => unlinkat(&self.directory.fd, self.name, UnlinkatFlags::NoRemoveDir)?,
            _ => rename(self.name, &self.rotated_name(1))?,
        }
        Ok(())
    }

    /// Returns `NAME.1` and so on.
    pub(super) fn rotated_name(&self, number: u32) -> OsString {
        let mut name = self.name.to_owned();
        name.push(format!(".{number}"));
        name
    }
}
