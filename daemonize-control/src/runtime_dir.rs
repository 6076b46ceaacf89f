//! The private directory beside the pidfile (or in `/run/user/UID`), and the socket and the token in it.
//!
//! The directory is opened once, and while it is furnished it belongs to whoever prepares it and has mode 0700: nobody else
//! can put anything in, or reach what is there, before it is whole. The socket alone is bound by its path, which is what
//! `ss` shows and `lsof`; it is then looked for in the open directory, and everything else is done relative to that.

use crate::leftovers::Removal;
use crate::token::Token;
use daemonize_sys::paths::control_directory;
use daemonize_sys::trust::{self, FileId};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, SFlag, fchmod, fchmodat, fstat, fstatat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fchownat, geteuid, unlinkat};
use std::ffi::{CString, OsStr};
use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// The socket's name in the directory.
const SOCKET: &str = "socket";
/// The token's name.
const TOKEN: &str = "token";

/// How long the path of a Unix socket may be (`unix(7)`: `sun_path`, less the zero at its end).
const LONGEST_PATH: usize = 107;

/// How many connections the kernel keeps until they are taken.
const BACKLOG: i32 = 128;

/// Who may use what is made.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// The user that the daemon is going to be.
    pub(crate) user: u32,
    /// The group it is going to have.
    pub(crate) group: Option<u32>,
    /// A group whose members may reach the socket, too.
    pub(crate) shared_with: Option<u32>,
}

/// The directory of one daemon's endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    directory: PathBuf,
    /// Which directory that is, once it is furnished.
    furnished: Option<FileId>,
}

impl Place {
    /// Returns the place of the daemon `name`: beside its pidfile, unless the table of places has another one.
    pub(crate) fn of(name: &str, pidfile: &Path) -> Place {
        control_directory(name, pidfile)
            .map_or_else(|| Place::beside(pidfile), |directory| Place { directory, furnished: None })
    }

    /// Returns the place where this socket is.
    pub(crate) fn of_socket(socket: &Path) -> Place {
        Place { directory: socket.parent().unwrap_or(Path::new("/")).to_owned(), furnished: None }
    }

    /// The one that belongs to this pidfile, and to no other: `/run/sleepy.control` beside `/run/sleepy.pid`, and
    /// `/run/sleepy.endpoint` beside `/run/sleepy`.
    pub(crate) fn beside(pidfile: &Path) -> Place {
        let name = pidfile.file_name().unwrap_or_default().as_bytes();
        let name = match name.strip_suffix(b".pid") {
            Some(stem) => [stem, b".control"].concat(),
            // Another ending: whatever the stem of a pidfile is, it never leads here.
            None => [name, b".endpoint"].concat(),
        };
        Place { directory: pidfile.with_file_name(OsStr::from_bytes(&name)), furnished: None }
    }

    /// The socket's path.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join(SOCKET)
    }

    /// The token's path.
    pub(crate) fn token(&self) -> PathBuf {
        self.directory.join(TOKEN)
    }

    /// The socket as a URL: without spaces, and all ASCII.
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

    /// Whether a client could reach the socket at all.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.directory.is_absolute() {
            let why = "the endpoint has no place for its socket, as the daemon runs without a pidfile: set `pidfile`";
            return Err(why.to_owned());
        }
        let socket = self.socket();
        let length = socket.as_os_str().len();
        if length <= LONGEST_PATH {
            return Ok(());
        }
        Err(failed("bind", &socket, format!("AF_UNIX path too long ({length} bytes, at most {LONGEST_PATH})")))
    }

    /// Makes the directory with the socket, and the token where there is one; nothing of it stays where that fails.
    ///
    /// The pidfile's lock is held: whatever a dead daemon left may be replaced, and nobody else does the same.
    pub(crate) fn furnish(&mut self, owner: &Owner, token: Option<&Token>) -> Result<UnixListener, String> {
        let (directory, was_of_user) = self.open(owner)?;
        if was_of_user && !self.is_mount_point() {
            let emptied = Removal::new(&directory, owner.user, &[SOCKET, TOKEN]).all();
            if let Err(why) = emptied {
                // The next start finds it as this one has.
                let _ = fchown(&directory, Some(Uid::from_raw(owner.user)), None);
                return Err(failed("empty", &self.directory, why));
            }
        }
        self.clear(&directory, owner)?;
        let status = fstat(&directory).map_err(|errno| failed("look at", &self.directory, errno.desc()))?;
        self.furnished = Some(FileId::of(&status));
        let furnished = self.fill(&directory, owner, token);
        if furnished.is_err() {
            self.remove();
        }
        furnished
    }

    /// Puts everything into the directory, and hands it over.
    fn fill(&self, directory: &OwnedFd, owner: &Owner, token: Option<&Token>) -> Result<UnixListener, String> {
        let listener = self.bind(directory, owner)?;
        if let Some(token) = token {
            self.write(directory, owner, token)?;
        }
        self.hand_over(directory, owner)?;
        Ok(listener)
    }

    /// Removes what was made, as far as this process still can, and nothing of what somebody else has put in its place. The
    /// pidfile's lock is still held.
    pub(crate) fn remove(&self) {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let Ok(directory) = nix::fcntl::open(&self.directory, flags, Mode::empty()) else { return };
        let is_it = |status: FileStat| Some(FileId::of(&status)) == self.furnished;
        if fstat(&directory).is_ok_and(is_it) {
            for name in [SOCKET, TOKEN] {
                let _ = unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir);
            }
            let _ = std::fs::remove_dir(&self.directory);
        }
    }

    /// Opens the directory, which is made if need be, and takes it: from here on it is this process's alone. Also returns whether
    /// it was the user's: then all that is in it was put there by that user, or by a process that it let in.
    fn open(&self, owner: &Owner) -> Result<(OwnedFd, bool), String> {
        let path = &self.directory;
        match std::fs::DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed("make", path, error)),
            _ => {}
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let directory = nix::fcntl::open(path, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::ENOTDIR | Errno::ELOOP => failed("use", path, "it is no directory"),
            errno => failed("open", path, errno.desc()),
        })?;
        let status = fstat(&directory).map_err(|errno| failed("look at", path, errno.desc()))?;
        if !is_ours(&status, owner) {
            return Err(failed("use", path, format!("it belongs to uid {}", status.st_uid)));
        }
        let was_of_user = status.st_uid != geteuid().as_raw();
        if was_of_user {
            fchown(&directory, Some(geteuid()), None).map_err(|errno| failed("take", path, errno.desc()))?;
        }
        fchmod(&directory, Mode::S_IRWXU).map_err(|errno| failed("close", path, errno.desc()))?;
        Ok((directory, was_of_user))
    }

    /// Returns `true` where something is mounted on the directory, or where that cannot be said: what is in it is then not only ours.
    fn is_mount_point(&self) -> bool {
        let (Some(parent), Some(name)) = (self.directory.parent(), self.directory.file_name()) else { return true };
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let how = OpenHow::new().flags(flags | OFlag::O_NOFOLLOW).resolve(ResolveFlag::RESOLVE_NO_XDEV);
        let parent = nix::fcntl::open(parent, flags, Mode::empty());
        parent.and_then(|parent| openat2(parent, name, how)).is_err()
    }

    /// Removes what a dead daemon left: its socket and token, and whatever the user that it became has put in their place.
    /// Anything else there was put there by another one, who may want to know.
    fn clear(&self, directory: &OwnedFd, owner: &Owner) -> Result<(), String> {
        for (name, kind, what) in
            [(SOCKET, SFlag::S_IFSOCK, "it is no socket"), (TOKEN, SFlag::S_IFREG, "it is no regular file")]
        {
            let path = self.directory.join(name);
            let status = match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
                Err(Errno::ENOENT) => continue,
                status => status.map_err(|errno| failed("look at", &path, errno.desc()))?,
            };
            // Left by a start that was interrupted while it emptied the directory.
            if status.st_uid == owner.user && status.st_uid != geteuid().as_raw() {
                let removed = Removal::new(directory, owner.user, &[SOCKET, TOKEN]).entry(c_string(name));
                removed.map_err(|why| failed("empty", &self.directory, why))?;
                continue;
            }
            if trust::kind(&status) != kind {
                return Err(failed("replace", &path, what));
            }
            if !is_ours(&status, owner) {
                return Err(failed("replace", &path, format!("it belongs to uid {}", status.st_uid)));
            }
            unlinkat(directory, name, UnlinkatFlags::NoRemoveDir)
                .map_err(|errno| failed("remove", &path, errno.desc()))?;
        }
        Ok(())
    }

    /// Binds the socket.
    fn bind(&self, directory: &OwnedFd, owner: &Owner) -> Result<UnixListener, String> {
        let path = self.socket();
        let fail = |errno: Errno| failed("bind", &path, errno.desc());
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(fail)?;
        let access = if owner.shared_with.is_some() { mode(0o660) } else { mode(0o600) };
        // Before the bind: the file is made with this mode, less the umask, and never has a looser one.
        fchmod(&socket, access).map_err(fail)?;
        bind(socket.as_raw_fd(), &UnixAddr::new(&path).map_err(fail)?).map_err(fail)?;
        // Whatever the umask took away; and an error where the path has led elsewhere. The directory is ours alone: there is
        // no link to follow.
        fchmodat(directory, SOCKET, access, FchmodatFlags::FollowSymlink).map_err(fail)?;
        give(directory, SOCKET, owner).map_err(fail)?;
        listen(&socket, Backlog::new(BACKLOG).map_err(fail)?).map_err(fail)?;
        Ok(UnixListener::from(socket))
    }

    fn write(&self, directory: &OwnedFd, owner: &Owner, token: &Token) -> Result<(), String> {
        let path = self.directory.join(TOKEN);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(directory, TOKEN, flags, mode(0o600)).map_err(|errno| failed("make", &path, errno.desc()))?;
        fchmod(&file, mode(0o600)).map_err(|errno| failed("close", &path, errno.desc()))?;
        File::from(file).write_all(&token.line()).map_err(|error| failed("write", &path, error))?;
        let private = Owner { shared_with: None, ..owner.clone() };
        give(directory, TOKEN, &private).map_err(|errno| failed("hand over", &path, errno.desc()))
    }

    /// To whom the daemon is going to be, so that it can remove what is in it.
    fn hand_over(&self, directory: &OwnedFd, owner: &Owner) -> Result<(), String> {
        let fail = |errno: Errno| failed("hand over", &self.directory, errno.desc());
        let group = owner.shared_with.or(owner.group).map(Gid::from_raw);
        fchown(directory, Some(Uid::from_raw(owner.user)), group).map_err(fail)?;
        if owner.shared_with.is_some() { fchmod(directory, mode(0o750)).map_err(fail) } else { Ok(()) }
    }
}

/// Whether a file is this process's, or whose process this is going to be.
fn is_ours(status: &FileStat, owner: &Owner) -> bool {
    status.st_uid == geteuid().as_raw() || status.st_uid == owner.user
}

fn give(directory: &OwnedFd, name: &str, owner: &Owner) -> nix::Result<()> {
    let group = owner.shared_with.or(owner.group).map(Gid::from_raw);
    fchownat(directory, name, Some(Uid::from_raw(owner.user)), group, AtFlags::AT_SYMLINK_NOFOLLOW)
}

fn c_string(name: &str) -> CString {
    CString::new(name).unwrap_or_default()
}

fn mode(bits: u32) -> Mode {
    Mode::from_bits_truncate(bits)
}

/// "failed to \<verb\> `<path>`: \<cause\>".
fn failed(verb: &str, path: &Path, cause: impl Display) -> String {
    format!("failed to {verb} `{}`: {cause}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_directory_is_named_after_the_pidfile() {
        for (pidfile, socket) in [
            ("/run/sleepy.pid", "/run/sleepy.control/socket"),
            ("/run/sleepy", "/run/sleepy.endpoint/socket"),
            ("/run/sleepy.1", "/run/sleepy.1.endpoint/socket"),
            ("/home/a/app/.pid", "/home/a/app/.control/socket"),
        ] {
            assert_eq!(Place::beside(Path::new(pidfile)).socket(), Path::new(socket));
        }
    }

    #[test]
    fn no_two_pidfiles_have_the_same_directory() {
        let endings = ["", ".pid", ".control", ".endpoint", ".", "..pid", ".pid.pid", ".control.pid", ".endpoint.pid"];
        let names = ["d", "d.", "pid", ".pid", ".control"].iter();
        let names = names.flat_map(|stem| endings.map(|ending| format!("{stem}{ending}"))).chain([".pid".to_owned()]);
        let names: BTreeSet<String> = names.collect();
        let places: BTreeSet<PathBuf> =
            names.iter().map(|name| Place::beside(&Path::new("/run").join(name)).socket()).collect();
        assert_eq!(places.len(), names.len(), "{names:?}\n{places:?}");
    }

    #[test]
    fn the_url_has_neither_spaces_nor_anything_that_is_not_ascii() {
        let place = Place::beside(Path::new("/run/a b\u{e9}%.pid"));
        assert_eq!(place.url(), "unix:///run/a%20b%C3%A9%25.control/socket");
    }

    #[test]
    fn p5_08_a_path_that_is_too_long_is_told() {
        let place = |length: usize| {
            let rest = "/.control/socket".len();
            Place::beside(Path::new(&format!("/{}.pid", "x".repeat(length - rest))))
        };
        assert_eq!(place(107).check(), Ok(()));
        let told = place(108).check().unwrap_err();
        assert!(
            told.contains("AF_UNIX path too long (108 bytes, at most 107)") && told.contains("xxx.control/socket`")
        );
    }
}
