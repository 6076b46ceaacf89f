//! The path of the directory: beside the pidfile that a start creates, and beside those of other contexts of the same user.

use super::OpenDirectory;
use daemonize_core::Daemon;
use daemonize_core::attach::AttachContext;
use daemonize_sys::account::{find_group, find_uid};
use daemonize_sys::paths::{PathContext, Paths, other_pidfiles, started_by_systemd};
use nix::unistd::geteuid;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The place of the directory of a daemon on demand, which may not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    pub(super) path: PathBuf,
    /// The user and group to which the daemon changes.
    pub(super) owner: Option<(u32, Option<u32>)>,
    /// Where a daemon of this name, started in another context of this user (by systemd), has its directory.
    others: Vec<PathBuf>,
}

impl Directory {
    /// Returns the place for the clients of a daemon. Only the settings, the user and the host decide.
    ///
    /// # Errors
    /// `InvalidInput`: the daemon has no pidfile, or its user has no home directory; the text names the fix.
    pub fn of<W>(daemon: &Daemon<W>) -> io::Result<Directory> {
        let settings = daemon.settings();
        if settings.has_no_pidfile() {
            return Err(invalid(
                "a daemon on demand needs a pidfile, beside which its sockets are: do not set `no_pidfile`",
            ));
        }
        let owner = owner(settings.user(), settings.group())?;
        if let Some(pidfile) = settings.pidfile() {
            return Ok(Directory { owner, ..Directory::beside(pidfile) });
        }
        // The first verb reports any mistake in the settings; a name is checked here, since it becomes part of a path.
        if !is_file_name(settings.name()) {
            return Err(daemon
                .status()
                .map_or_else(io::Error::from, |_| invalid("the daemon's name is not a file name")));
        }
        let context = PathContext::now(started_by_systemd());
        let (path, pidfiles) = match Paths::of(settings.name(), &context) {
            Ok(paths) => (beside(&paths.pidfile), paths.others),
            Err(why) => {
                // Without a home, a unit's directory may still be found.
                let mut others = other_pidfiles(settings.name(), &context);
                if others.is_empty() || !others.iter().any(|pidfile| beside(pidfile).is_dir()) {
                    return Err(invalid(&why));
                }
                (beside(&others.remove(0)), others)
            }
        };
        Ok(Directory { path, owner, others: pidfiles.iter().map(|pidfile| beside(pidfile)).collect() })
    }

    /// Returns the place for a daemon that is being launched.
    ///
    /// # Errors
    /// `InvalidInput`: the daemon runs without a pidfile.
    pub fn of_launch(context: &AttachContext) -> io::Result<Directory> {
        if context.pidfile().as_os_str().is_empty() {
            return Err(invalid("a daemon on demand needs a pidfile, beside which its sockets are: set `pidfile`"));
        }
        let owner = context.user().map(|user| (user, context.group()));
        Ok(Directory { owner, ..Directory::beside(context.pidfile()) })
    }

    /// Returns the place beside this pidfile: `/run/agent.agent` beside `/run/agent.pid`.
    pub fn beside(pidfile: &Path) -> Directory {
        Directory { path: beside(pidfile), owner: None, others: Vec::new() }
    }

    /// Returns the path of the directory that a start creates.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the user to whom the directory belongs while the daemon runs.
    pub fn owner(&self) -> u32 {
        self.owner.map_or_else(|| geteuid().as_raw(), |(user, _)| user)
    }

    /// Returns the places in which a daemon of this name may run, the one of a start first.
    pub fn all(&self) -> impl Iterator<Item = Directory> + '_ {
        let place = |path: &PathBuf| Directory { path: path.clone(), owner: self.owner, others: Vec::new() };
        std::iter::once(&self.path).chain(&self.others).map(place)
    }

    /// Opens the directory. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// The directory, or one above it, is not trusted: it belongs to another user, is open to others, or is a link.
    pub fn open(&self) -> io::Result<Option<OpenDirectory>> {
        super::open::open(self)
    }

    /// Creates the directory unless it exists, opens it, and makes this process its only user. Only the holder of the pidfile's lock
    /// may call it. If the daemon changes its user, [`OpenDirectory::hand_over`] gives the directory to that user.
    ///
    /// # Errors
    /// The directory cannot be created, belongs to another user, or is a link.
    pub fn create(&self) -> io::Result<OpenDirectory> {
        super::create::create(self)
    }
}

/// Returns the user and group to which the settings change, if that is another user.
fn owner(user: Option<&str>, group: Option<&str>) -> io::Result<Option<(u32, Option<u32>)>> {
    let Some(user) = user else { return Ok(None) };
    let unknown = |what: &str, name: &str, why: String| invalid(&format!("failed to find {what} `{name}`: {why}"));
    let uid = find_uid(user).map_err(|why| unknown("user", user, why))?;
    let gid = group.map(|group| find_group(group).map_err(|why| unknown("group", group, why))).transpose()?;
    Ok(Some((uid.as_raw(), gid.map(|gid| gid.as_raw()))))
}

/// Returns the path of the directory that belongs to this pidfile and to no other.
fn beside(pidfile: &Path) -> PathBuf {
    let name = pidfile.file_name().unwrap_or_default().as_bytes();
    let name = match name.strip_suffix(b".pid") {
        Some(stem) => [stem, b".agent"].concat(),
        // A suffix of its own: `sleepy` and `sleepy.pid` must not share a directory.
        None => [name, b".on-demand"].concat(),
    };
    pidfile.with_file_name(OsStr::from_bytes(&name))
}

/// Returns `true` for a name that is one component of a path.
fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

#[cold]
fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
