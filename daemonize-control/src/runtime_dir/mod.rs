//! The private directory of an endpoint, beside the pidfile or in `/run/user/UID`, with the socket and the token.
//!
//! The directory is opened once. While its contents are created it belongs to this process and has mode 0700: no other user
//! can add an entry, or reach one before all are complete. Only the socket is bound by its path, because `ss` and `lsof` show
//! that path; all other operations are relative to the open directory.

mod claim;
mod contents;
mod names;
mod owner;
mod remove_leftovers;

pub(crate) use owner::Owner;

use crate::token::Token;
use claim::{claim, is_mount_point, remove_stale};
use daemonize_sys::paths::control_directory;
use daemonize_sys::trust::FileId;
use names::{SOCKET, TOKEN};
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::{Uid, UnlinkatFlags, fchown, unlinkat};
use owner::failed;
use remove_leftovers::Removal;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Maximum length of the path of a Unix socket in bytes (`unix(7)`: `sun_path` without its final NUL).
const MAX_SOCKET_PATH: usize = 107;

/// The directory of an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct RuntimeDir {
    path: PathBuf,
    /// The identity of the directory, once its contents have been created.
    created: Option<FileId>,
}

impl RuntimeDir {
    /// Returns the directory for the daemon `name`: beside its pidfile, or in `/run/user/UID` (`docs/places.md`).
    pub(crate) fn of(name: &str, pidfile: &Path) -> RuntimeDir {
        match control_directory(name, pidfile) {
            Some(path) => RuntimeDir { path, created: None },
            None => RuntimeDir::beside(pidfile),
        }
    }

    /// Returns the directory that contains this socket.
    pub(crate) fn of_socket(socket: &Path) -> RuntimeDir {
        RuntimeDir { path: socket.parent().unwrap_or(Path::new("/")).to_owned(), created: None }
    }

    /// Returns the directory that belongs to this pidfile and to no other: `/run/sleepy.control` beside `/run/sleepy.pid`, and
    /// `/run/sleepy.endpoint` beside `/run/sleepy`.
    pub(crate) fn beside(pidfile: &Path) -> RuntimeDir {
        let name = pidfile.file_name().unwrap_or_default().as_bytes();
        let name = match name.strip_suffix(b".pid") {
            Some(stem) => [stem, b".control"].concat(),
            // A suffix of its own: `sleepy` and `sleepy.pid` must not share a directory.
            None => [name, b".endpoint"].concat(),
        };
        RuntimeDir { path: pidfile.with_file_name(OsStr::from_bytes(&name)), created: None }
    }

    /// Returns the path of the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join(SOCKET)
    }

    /// Returns the path of the token file.
    pub(crate) fn token(&self) -> PathBuf {
        self.path.join(TOKEN)
    }

    /// Returns the URL of the socket, percent-encoded to printable ASCII without spaces.
    pub(crate) fn url(&self) -> String {
        let mut url = "unix://".to_owned();
        for byte in self.socket().as_os_str().as_bytes() {
            match byte {
                b'!'..=b'~' if *byte != b'%' => url.push(char::from(*byte)),
                _ => drop(write!(url, "%{byte:02X}")),
            }
        }
        url
    }

    /// Checks that the socket can be bound and connected to: its path is absolute, and not too long.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.path.is_absolute() {
            let why = "the endpoint has no directory for its socket, because the daemon has no pidfile: set `pidfile`";
            return Err(why.to_owned());
        }
        let socket = self.socket();
        let length = socket.as_os_str().len();
        if length <= MAX_SOCKET_PATH {
            return Ok(());
        }
        Err(failed("bind", &socket, format!("AF_UNIX path too long ({length} bytes, at most {MAX_SOCKET_PATH})")))
    }

    /// Creates the directory with the socket, and the token file if there is a token. Removes everything if that fails.
    ///
    /// The caller holds the lock of the pidfile, so the files of a daemon that died can be replaced, and no other start
    /// interferes.
    pub(crate) fn create_contents(&mut self, owner: &Owner, token: Option<&Token>) -> Result<UnixListener, String> {
        let (directory, was_of_user) = claim(&self.path, owner)?;
        if was_of_user && !is_mount_point(&self.path) {
            let removed = Removal::new(&directory, owner.user, &[SOCKET, TOKEN]).remove_all();
            if let Err(why) = removed {
                // Gives the directory back, so that the next start finds it as this one did.
                let _ = fchown(&directory, Some(Uid::from_raw(owner.user)), None);
                return Err(failed("empty", &self.path, why));
            }
        }
        remove_stale(&self.path, &directory, owner)?;
        let status = fstat(&directory).map_err(|errno| failed("stat", &self.path, errno.desc()))?;
        self.created = Some(FileId::of(&status));
        let created = contents::create(&self.path, &directory, owner, token);
        if created.is_err() {
            self.remove();
        }
        created
    }

    /// Removes the directory and its contents, as far as this process still may, unless another directory has taken its place.
    /// The caller still holds the lock of the pidfile.
    pub(crate) fn remove(&self) {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let Ok(directory) = nix::fcntl::open(&self.path, flags, Mode::empty()) else { return };
        let is_same = |status: FileStat| Some(FileId::of(&status)) == self.created;
        if fstat(&directory).is_ok_and(is_same) {
            for name in [SOCKET, TOKEN] {
                let _ = unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir);
            }
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn directory_is_named_after_the_pidfile() {
        for (pidfile, socket) in [
            ("/run/sleepy.pid", "/run/sleepy.control/socket"),
            ("/run/sleepy", "/run/sleepy.endpoint/socket"),
            ("/run/sleepy.1", "/run/sleepy.1.endpoint/socket"),
            ("/home/a/app/.pid", "/home/a/app/.control/socket"),
        ] {
            assert_eq!(RuntimeDir::beside(Path::new(pidfile)).socket(), Path::new(socket));
        }
    }

    #[test]
    fn different_pidfiles_have_different_directories() {
        let endings = ["", ".pid", ".control", ".endpoint", ".", "..pid", ".pid.pid", ".control.pid", ".endpoint.pid"];
        let names = ["d", "d.", "pid", ".pid", ".control"].iter();
        let names = names.flat_map(|stem| endings.map(|ending| format!("{stem}{ending}"))).chain([".pid".to_owned()]);
        let names: BTreeSet<String> = names.collect();
        let sockets: BTreeSet<PathBuf> =
            names.iter().map(|name| RuntimeDir::beside(&Path::new("/run").join(name)).socket()).collect();
        assert_eq!(sockets.len(), names.len(), "{names:?}\n{sockets:?}");
    }

    #[test]
    fn url_is_printable_ascii_without_spaces() {
        let dir = RuntimeDir::beside(Path::new("/run/a b\u{e9}%.pid"));
        assert_eq!(dir.url(), "unix:///run/a%20b%C3%A9%25.control/socket");
    }

    /// Promise 5.08.
    #[test]
    fn socket_path_that_is_too_long_is_an_error() {
        let dir = |length: usize| {
            let rest = "/.control/socket".len();
            RuntimeDir::beside(Path::new(&format!("/{}.pid", "x".repeat(length - rest))))
        };
        assert_eq!(dir(107).check(), Ok(()));
        let error = dir(108).check().unwrap_err();
        assert!(
            error.contains("AF_UNIX path too long (108 bytes, at most 107)") && error.contains("xxx.control/socket`")
        );
    }
}
