//! Binds a socket in the directory, in place of a stale one.

use super::OpenDirectory;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, renameat};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use nix::sys::stat::{FchmodatFlags, Mode, fchmod, fchmodat};
use nix::unistd::{Gid, Uid, fchownat};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;

/// The maximum length of the path of a Unix socket in bytes (`unix(7)`: `sun_path` without its final NUL).
const MAX_SOCKET_PATH: usize = 107;

/// The maximum number of connections that wait while the daemon starts; the kernel allows no more by default (`listen(2)`).
const CLIENT_BACKLOG: i32 = 4096;

impl OpenDirectory {
    /// Returns a socket that listens under this name, with mode 0600. What had the name before is replaced. Only the holder of the pidfile's
    /// lock may call it.
    ///
    /// The socket is bound under another name and renamed when it listens, so that a client never finds one that does not.
    ///
    /// # Errors
    /// The socket cannot be created, or a directory has the name.
    pub(crate) fn bind(&self, name: &str) -> io::Result<UnixListener> {
        let temporary = format!("{name}.new");
        // Left by a start that was killed.
        self.remove(&temporary)?;
        let bound = self.bind_new(&temporary).map_err(|errno| self.error("bind", name, errno));
        let replace = || renameat(&self.fd, temporary.as_str(), &self.fd, name);
        let named =
            bound.and_then(|socket| replace().map(|()| socket).map_err(|errno| self.error("replace", name, errno)));
        if named.is_err() {
            let _ = self.remove(&temporary);
        }
        named.map(UnixListener::from)
    }

    fn bind_new(&self, name: &str) -> nix::Result<OwnedFd> {
        let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        let access = Mode::S_IRUSR | Mode::S_IWUSR;
        // Before bind(2), which creates the file with this mode less the umask: it never has a looser mode.
        fchmod(&socket, access)?;
        self.bind_at(&socket, name)?;
        // Adds the bits that the umask has removed. This process alone can change entries, so there is no link to follow.
        fchmodat(&self.fd, name, access, FchmodatFlags::FollowSymlink)?;
        if let Some((user, group)) = self.owner {
            let (user, group) = (Some(Uid::from_raw(user)), group.map(Gid::from_raw));
            fchownat(&self.fd, name, user, group, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        }
        listen(&socket, Backlog::new(CLIENT_BACKLOG)?)?;
        Ok(socket)
    }

    /// Binds by the path where it fits, because `ss` and `lsof` show it, and checks that it led to this directory; else through the open
    /// directory.
    fn bind_at(&self, socket: &OwnedFd, name: &str) -> nix::Result<()> {
        let path = self.path.join(name);
        let through_directory = || bind(socket.as_raw_fd(), &UnixAddr::new(self.entry(name).as_str())?);
        if path.as_os_str().len() > MAX_SOCKET_PATH {
            return through_directory();
        }
        match bind(socket.as_raw_fd(), &UnixAddr::new(&path)?) {
            // The directory was moved meanwhile, or the launcher has another root.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => through_directory(),
            bound => bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Directory, SOCKET};
    use std::io::ErrorKind;
    use std::time::{Duration, Instant};

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    /// Promise 12.10.
    #[test]
    fn bound_socket_replaces_a_stale_one_and_follows_its_names() {
        let above = tempfile::tempdir().unwrap();
        for name in ["a".to_owned(), "a".repeat(120)] {
            let directory = Directory::beside(&above.path().join(name)).create().unwrap();
            assert_eq!(directory.connect(SOCKET, soon()).unwrap_err().kind(), ErrorKind::NotFound);
            drop(directory.bind(SOCKET).unwrap());
            assert_eq!(directory.connect(SOCKET, soon()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
            let listener = directory.bind(SOCKET).unwrap();
            directory.connect(SOCKET, soon()).unwrap();
            directory.rename(SOCKET, "leaving").unwrap();
            assert_eq!(directory.connect(SOCKET, soon()).unwrap_err().kind(), ErrorKind::NotFound);
            directory.connect("leaving", soon()).unwrap();
            assert!(directory.remove("leaving").unwrap() && !directory.remove("leaving").unwrap());
            drop(listener);
        }
    }

    #[test]
    fn directory_in_place_of_the_socket_is_an_error_that_names_it_and_leaves_nothing() {
        let above = tempfile::tempdir().unwrap();
        let directory = Directory::beside(&above.path().join("a.pid")).create().unwrap();
        std::fs::create_dir(directory.path.join(SOCKET)).unwrap();
        let error = directory.bind(SOCKET).unwrap_err().to_string();
        assert!(error.contains("a.agent/socket`: is a directory: remove it"), "{error}");
        assert!(!directory.path.join("socket.new").exists());
    }
}
