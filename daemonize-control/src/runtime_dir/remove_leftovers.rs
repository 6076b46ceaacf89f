//! Removes the entries that a user left in a directory which this process has taken back.
//!
//! The user may have left anything: nested directories, links, mounts, and processes that still use them. So no entry is
//! reached by a path, no link and no mount point is crossed, and each directory changes its owner before it is emptied. A
//! nested directory is moved up before it is emptied, so the depth does not matter.

use daemonize_sys::escape::escape_bytes;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, renameat};
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{Uid, UnlinkatFlags, fchown, geteuid, unlinkat};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

/// Maximum number of entries that one start removes, so that the user cannot delay the start without limit.
const MAX_ENTRIES: usize = 4_000;

/// Number of names that are read at a time.
const BATCH_SIZE: usize = 1024;

/// The removal of entries in one directory, which belongs to this process alone.
pub(crate) struct Removal<'a> {
    directory: &'a OwnedFd,
    /// The user whose directories are emptied. Directories of other users keep their contents, which this user could not remove
    /// either.
    user: u32,
    /// Names that must be unused afterwards.
    needed: &'a [&'a str],
    removed: usize,
    /// The number in the name of the directory that was moved last.
    moved: usize,
    /// The entries that cannot be removed.
    kept: BTreeSet<CString>,
}

impl<'a> Removal<'a> {
    pub(crate) fn new(directory: &'a OwnedFd, user: u32, needed: &'a [&'a str]) -> Removal<'a> {
        Removal { directory, user, needed, removed: 0, moved: 0, kept: BTreeSet::new() }
    }

    /// Removes all entries. Entries that cannot be removed (mount points, and directories of other users that are not empty) are
    /// logged and kept, and renamed if their name is needed.
    ///
    /// # Errors
    /// A needed name is a mount point; or there are more than 4000 entries, of which the first 4000 are removed.
    pub(crate) fn remove_all(&mut self) -> Result<(), String> {
        loop {
            let names = names(self.directory, &self.kept)
                .map_err(|errno| format!("cannot read the directory: {}", errno.desc()))?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                self.remove(name)?;
            }
        }
    }

    /// Removes one entry with its contents. A missing entry is not an error.
    ///
    /// # Errors
    /// As [`remove_all`](Removal::remove_all).
    pub(crate) fn remove(&mut self, name: CString) -> Result<(), String> {
        let mut todo = vec![name];
        while let Some(name) = todo.pop() {
            let removed = match self.unlink(self.directory, &name) {
                Ok(false) => self.empty(&name, &mut todo).map(|()| todo.push(name.clone())),
                removed => removed.map(drop).map_err(|errno| describe(&name, errno)),
            };
            match removed {
                Err(why) if self.removed < MAX_ENTRIES => self.keep(name, &why)?,
                removed => removed?,
            }
        }
        Ok(())
    }

    /// Keeps an entry that cannot be removed, under another name if its name is needed.
    fn keep(&mut self, name: CString, why: &str) -> Result<(), String> {
        let is_needed = self.needed.iter().any(|needed| needed.as_bytes() == name.to_bytes());
        let kept_name = if is_needed { self.rename(self.directory, &name).map_err(|_| why.to_owned())? } else { name };
        log::warn!("{why}; kept as `{}`", escape_bytes(kept_name.to_bytes()));
        self.kept.insert(kept_name);
        Ok(())
    }

    /// Empties a directory of the user. Nested directories that are not empty are moved up, and added to `todo`.
    fn empty(&mut self, name: &CString, todo: &mut Vec<CString>) -> Result<(), String> {
        let how = OpenHow::new()
            .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV);
        let fail = |errno| describe(name, errno);
        let inner = openat2(self.directory, name.as_c_str(), how).map_err(fail)?;
        let owner = fstat(&inner).map_err(fail)?.st_uid;
        if owner != self.user {
            return Err(format!(
                "its entry `{}` is a directory of uid {owner}: remove it",
                escape_bytes(name.to_bytes())
            ));
        }
        // From here on a process of the user that has the directory open, or as its working directory, cannot add entries.
        fchown(&inner, Some(geteuid()), None).and_then(|()| fchmod(&inner, Mode::S_IRWXU)).map_err(fail)?;
        let emptied = self.move_up(name, &inner, todo);
        if emptied.is_err() {
            // Gives the directory back, so that the next start finds it as this one did.
            let _ = fchown(&inner, Some(Uid::from_raw(owner)), None);
        }
        emptied
    }

    /// Removes the entries of `inner`, and moves those that are not empty up into the outermost directory.
    fn move_up(&mut self, name: &CString, inner: &OwnedFd, todo: &mut Vec<CString>) -> Result<(), String> {
        let fail = |errno| describe(name, errno);
        loop {
            let names = names(inner, &BTreeSet::new()).map_err(fail)?;
            if names.is_empty() {
                return Ok(());
            }
            for child in names {
                if !self.unlink(inner, &child).map_err(fail)? {
                    todo.push(self.rename(inner, &child).map_err(fail)?);
                }
            }
        }
    }

    /// Removes an entry; returns `false` if it is a directory that is not empty.
    fn unlink(&mut self, directory: impl AsFd, name: &CString) -> nix::Result<bool> {
        if self.removed == MAX_ENTRIES {
            return Err(Errno::E2BIG);
        }
        self.removed += 1;
        // `unlinkat(2)` neither follows a link nor crosses a mount point. A `stat` could hang in a file system of the user (FUSE).
        match unlinkat(&directory, name.as_c_str(), UnlinkatFlags::NoRemoveDir) {
            Err(Errno::EISDIR) => {}
            Err(Errno::ENOENT) => return Ok(true),
            removed => return removed.map(|()| true),
        }
        match unlinkat(&directory, name.as_c_str(), UnlinkatFlags::RemoveDir) {
            Err(Errno::ENOTEMPTY | Errno::EEXIST) => Ok(false),
            Err(Errno::ENOENT) => Ok(true),
            removed => removed.map(|()| true),
        }
    }

    /// Moves a directory up, under a name that is not in use.
    fn rename(&mut self, inner: &OwnedFd, name: &CString) -> nix::Result<CString> {
        loop {
            self.moved += 1;
            let new = CString::new(format!(".leftover-{}", self.moved)).unwrap_or_default();
            match renameat(inner, name.as_c_str(), self.directory, new.as_c_str()) {
                Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::ENOTDIR) if self.moved < MAX_ENTRIES => {}
                renamed => return renamed.map(|()| new),
            }
        }
    }
}

/// Returns the names of the first entries of a directory, without those that are kept.
fn names(directory: &OwnedFd, kept: &BTreeSet<CString>) -> nix::Result<Vec<CString>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut directory = Dir::openat(directory, ".", flags, Mode::empty())?;
    let names = directory.iter().map(|entry| entry.map(|entry| entry.file_name().to_owned()));
    let is_wanted = |name: &CString| !matches!(name.to_bytes(), b"." | b"..") && !kept.contains(name);
    names.filter(|name| name.as_ref().map_or(true, is_wanted)).take(BATCH_SIZE).collect()
}

fn describe(name: &CString, errno: Errno) -> String {
    match errno {
        Errno::E2BIG => format!("it holds more than {MAX_ENTRIES} entries: start again to remove the next ones"),
        Errno::EBUSY | Errno::EXDEV => {
            format!("its entry `{}` is or contains a mount point: unmount it", escape_bytes(name.to_bytes()))
        }
        errno => format!("its entry `{}` cannot be removed: {}", escape_bytes(name.to_bytes()), errno.desc()),
    }
}
