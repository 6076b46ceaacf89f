//! Creates the directory for a start that holds the lock of the pidfile.

use super::open::{DIRECTORY_FLAGS, check_owner, open_error, opened, split, untrusted};
use super::{Directory, OpenDirectory, error_at};
use daemonize_sys::trust::directory::{DirectoryPolicy, open_directory};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, openat};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, fstat, mkdirat};
use nix::unistd::{Gid, Uid, fchownat, geteuid};
use std::io;

impl Directory {
    /// Creates the directory unless it exists, opens it, and makes this process its only user. Only the holder of the pidfile's lock may
    /// call it. If the daemon changes its user, [`OpenDirectory::hand_over`] gives the directory to that user.
    ///
    /// # Errors
    /// The directory cannot be created, belongs to another user, or is a link.
    pub(crate) fn create(&self) -> io::Result<OpenDirectory> {
        create(self)
    }
}

fn create(place: &Directory) -> io::Result<OpenDirectory> {
    let (parent, name) = split(&place.path)?;
    // The pidfile was created in it, so it exists.
    let parent = open_directory(parent, DirectoryPolicy::PidFile).map_err(|why| untrusted(&place.path, &why))?.fd;
    match mkdirat(&parent, name, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(error_at("create", &place.path, errno)),
    }
    let fd = openat(&parent, name, DIRECTORY_FLAGS, Mode::empty()).map_err(|errno| open_error(&place.path, errno))?;
    let status = fstat(&fd).map_err(|errno| error_at("open", &place.path, errno))?;
    check_owner(place, &status)?;
    let directory = opened(place, fd);
    let this = directory.entry(".");
    let is_others = status.st_uid != geteuid().as_raw();
    if is_others {
        // The daemon's user may not change entries while root creates sockets among them.
        fchownat(AT_FDCWD, this.as_str(), Some(geteuid()), None, AtFlags::empty())
            .map_err(|errno| error_at("change the owner of", &place.path, errno))?;
    }
    if is_others || status.st_mode & 0o7777 != 0o700 {
        // The umask has removed bits, or a user has made it with `mkdir`. Another owner may have opened it to itself since its mode was read.
        fchmodat(AT_FDCWD, this.as_str(), Mode::S_IRWXU, FchmodatFlags::FollowSymlink)
            .map_err(|errno| error_at("change the mode of", &place.path, errno))?;
    }
    Ok(directory)
}

impl OpenDirectory {
    /// Gives the directory to the user that the daemon changes to, which must be able to rename the sockets. Does nothing if the daemon keeps
    /// its user.
    ///
    /// # Errors
    /// The owner cannot be changed (`fchownat(2)`).
    pub(crate) fn hand_over(&self) -> io::Result<()> {
        let Some((user, group)) = self.owner else { return Ok(()) };
        let (user, group) = (Some(Uid::from_raw(user)), group.map(Gid::from_raw));
        fchownat(AT_FDCWD, self.entry(".").as_str(), user, group, AtFlags::empty())
            .map_err(|errno| error_at("change the owner of", &self.path, errno))
    }
}
