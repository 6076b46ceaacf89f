//! Removes what a user has left in a directory that this process has taken back from it.
//!
//! The user may have put anything there: directories in directories, links, mounts, and processes that still work in them. So
//! nothing is reached by a path, no link and no mount is crossed, and each directory is taken before it is emptied. A directory
//! in a directory is moved up before its own turn: the depth does not matter.

use daemonize_sys::escape::escape_bytes;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, renameat};
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{Uid, UnlinkatFlags, fchown, geteuid, unlinkat};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

/// The most entries that are removed at once: a start is not held up for as long as the user likes.
const MAX_ENTRIES: usize = 4_000;

/// How many names are read at once.
const BATCH: usize = 1024;

/// The result of a removal; the text of an error names the entry.
type Result<T> = std::result::Result<T, String>;

/// A removal in one directory, which belongs to this process and only to it.
pub(crate) struct Removal<'a> {
    directory: &'a OwnedFd,
    /// The user whose directories are emptied. The contents of other users' directories stay: this user could not
    /// remove them either.
    user: u32,
    /// Names that must be free afterwards.
    needed: &'a [&'a str],
    removed: usize,
    /// The last number of a name that a directory got which was moved.
    moved: usize,
    /// The entries that cannot be removed and stay.
    kept: BTreeSet<CString>,
}

impl<'a> Removal<'a> {
    pub(crate) fn new(directory: &'a OwnedFd, user: u32, needed: &'a [&'a str]) -> Removal<'a> {
        Removal { directory, user, needed, removed: 0, moved: 0, kept: BTreeSet::new() }
    }

    /// Removes all entries. What cannot be removed stays and is logged: mount points, and directories of other users with
    /// something in them. It is moved out of the way where its name is needed.
    ///
    /// # Errors
    /// There is a mount point at a name that is needed; or there are more than 4000 entries, of which as many are removed.
    pub(crate) fn all(&mut self) -> Result<()> {
        loop {
            let names =
                names(self.directory, &self.kept).map_err(|errno| format!("it cannot be read: {}", errno.desc()))?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                self.entry(name)?;
            }
        }
    }

    /// Removes one entry with all that is in it; one that is not there is removed.
    ///
    /// # Errors
    /// As [`all`](Removal::all).
    pub(crate) fn entry(&mut self, name: CString) -> Result<()> {
        let mut todo = vec![name];
        while let Some(name) = todo.pop() {
            let removed = match self.remove(self.directory, &name) {
                Ok(false) => self.empty(&name, &mut todo).map(|()| todo.push(name.clone())),
                removed => removed.map(drop).map_err(|errno| told(&name, errno)),
            };
            match removed {
                Err(why) if self.removed < MAX_ENTRIES => self.keep(name, &why)?,
                removed => removed?,
            }
        }
        Ok(())
    }

    /// Leaves an entry where it is, or where it is not in the way.
    fn keep(&mut self, name: CString, why: &str) -> Result<()> {
        let is_needed = self.needed.iter().any(|needed| needed.as_bytes() == name.to_bytes());
        let place = if is_needed { self.rename(self.directory, &name).map_err(|_| why.to_owned())? } else { name };
        log::warn!("{why}; it stays as `{}`", escape_bytes(place.to_bytes()));
        self.kept.insert(place);
        Ok(())
    }

    /// Empties a directory of the user; what is not empty in it is moved up, and added to `todo`.
    fn empty(&mut self, name: &CString, todo: &mut Vec<CString>) -> Result<()> {
        let how = OpenHow::new()
            .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV);
        let fail = |errno| told(name, errno);
        let inner = openat2(self.directory, name.as_c_str(), how).map_err(fail)?;
        let owner = fstat(&inner).map_err(fail)?.st_uid;
        if owner != self.user {
            return Err(format!("`{}` in it is a directory of uid {owner}: remove it", escape_bytes(name.to_bytes())));
        }
        // A process of the user that still has it open, or works in it, can put nothing into it any more.
        fchown(&inner, Some(geteuid()), None).and_then(|()| fchmod(&inner, Mode::S_IRWXU)).map_err(fail)?;
        let emptied = self.move_up(name, &inner, todo);
        if emptied.is_err() {
            // The next start finds it as this one has.
            let _ = fchown(&inner, Some(Uid::from_raw(owner)), None);
        }
        emptied
    }

    fn move_up(&mut self, name: &CString, inner: &OwnedFd, todo: &mut Vec<CString>) -> Result<()> {
        let fail = |errno| told(name, errno);
        loop {
            let names = names(inner, &BTreeSet::new()).map_err(fail)?;
            if names.is_empty() {
                return Ok(());
            }
            for child in names {
                if !self.remove(inner, &child).map_err(fail)? {
                    todo.push(self.rename(inner, &child).map_err(fail)?);
                }
            }
        }
    }

    /// Removes an entry unless it is a directory with something in it; then returns `false`.
    fn remove(&mut self, directory: impl AsFd, name: &CString) -> nix::Result<bool> {
        if self.removed == MAX_ENTRIES {
            return Err(Errno::E2BIG);
        }
        self.removed += 1;
        // Neither follows a link nor crosses a mount; `stat` would, and a file system of the user's may not answer.
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

    /// Moves a directory up under a name that nothing has which would be in its way.
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

/// Returns the first names in a directory, without those that are kept.
fn names(directory: &OwnedFd, kept: &BTreeSet<CString>) -> nix::Result<Vec<CString>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut directory = Dir::openat(directory, ".", flags, Mode::empty())?;
    let names = directory.iter().map(|entry| entry.map(|entry| entry.file_name().to_owned()));
    let is_wanted = |name: &CString| !matches!(name.to_bytes(), b"." | b"..") && !kept.contains(name);
    names.filter(|name| name.as_ref().map_or(true, is_wanted)).take(BATCH).collect()
}

fn told(name: &CString, errno: Errno) -> String {
    match errno {
        Errno::E2BIG => format!("it holds more than {MAX_ENTRIES} entries: start once more to remove more of them"),
        Errno::EBUSY | Errno::EXDEV => {
            format!("`{}` in it is or holds a mount point: unmount it", escape_bytes(name.to_bytes()))
        }
        errno => format!("`{}` in it cannot be removed: {}", escape_bytes(name.to_bytes()), errno.desc()),
    }
}
