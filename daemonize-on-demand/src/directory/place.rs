//! The path of the directory: beside the pidfile that a start creates, and beside those of other contexts of the same user.

use daemonize_core::Daemon;
use daemonize_core::attach::AttachContext;
use daemonize_sys::account::{find_group, find_uid};
use daemonize_sys::paths::{PathContext, Paths, on_demand_directory, other_pidfiles, started_by_systemd};
use nix::unistd::{Gid, geteuid};
use std::io;
use std::path::{Path, PathBuf};

/// The place of the directory of a daemon on demand, which may not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(super) path: PathBuf,
    /// The user and group to which the daemon changes.
    pub(super) owner: Option<(u32, Option<u32>)>,
    /// The directories of a daemon of this name that was started in another context of this user, such as by systemd.
    others: Vec<PathBuf>,
}

impl Directory {
    /// Returns the place for the clients of a daemon. Only the settings, the user and the host decide.
    ///
    /// # Errors
    /// `InvalidInput`: a mistake in the settings, the daemon has no pidfile, or its user has no home directory; the text names the fix.
    pub(crate) fn of<W>(daemon: &Daemon<W>) -> io::Result<Directory> {
        let settings = daemon.settings();
        settings.check()?;
        if settings.has_no_pidfile() {
            return Err(invalid(
                "a daemon on demand needs a pidfile, beside which its sockets are: do not set `no_pidfile`",
            ));
        }
        let owner = owner(settings.user(), settings.group())?;
        if let Some(pidfile) = settings.pidfile() {
            return Ok(Directory { owner, ..Directory::beside(pidfile) });
        }
        let pidfiles = default_pidfiles(settings.name()).map_err(|why| invalid(&why))?;
        let mut paths = pidfiles.iter().map(PathBuf::as_path).map(on_demand_directory);
        let path = paths.next().unwrap_or_default();
        Ok(Directory { path, owner, others: paths.collect() })
    }

    /// Returns the place for a daemon that is being launched.
    ///
    /// # Errors
    /// `InvalidInput`: the daemon runs without a pidfile.
    pub(crate) fn of_launch(context: &AttachContext) -> io::Result<Directory> {
        if context.pidfile().as_os_str().is_empty() {
            return Err(invalid("a daemon on demand needs a pidfile, beside which its sockets are: set `pidfile`"));
        }
        let owner = context.user().map(|user| (user, context.group()));
        Ok(Directory { owner, ..Directory::beside(context.pidfile()) })
    }

    /// Returns the place beside this pidfile: `/run/agent.agent` beside `/run/agent.pid`.
    pub(crate) fn beside(pidfile: &Path) -> Directory {
        Directory { path: on_demand_directory(pidfile), owner: None, others: Vec::new() }
    }

    /// Returns the path of the directory that a start creates.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the user that owns the directory while the daemon runs.
    pub(crate) fn owner(&self) -> u32 {
        self.owner.map_or_else(|| geteuid().as_raw(), |(user, _)| user)
    }

    /// Returns the places in which a daemon of this name may run, the one of a start first.
    pub(crate) fn all(&self) -> impl Iterator<Item = Directory> + '_ {
        let place = |path: &PathBuf| Directory { path: path.clone(), owner: self.owner, others: Vec::new() };
        std::iter::once(&self.path).chain(&self.others).map(place)
    }
}

/// Returns the default pidfiles of a daemon, the one of a start by a client first. It is the same for a client that is a service: the daemon
/// that it starts is not that service. The pidfile of that service comes last, for a client inside of the daemon.
fn default_pidfiles(name: &str) -> Result<Vec<PathBuf>, String> {
    let context = PathContext::now(false);
    let mut pidfiles = match Paths::of(name, &context) {
        Ok(paths) => [vec![paths.pidfile], paths.others].concat(),
        // Without a home, a unit's daemon may still be found.
        Err(why) => {
            let mut others = other_pidfiles(name, &context);
            let found = others.iter().position(|pidfile| on_demand_directory(pidfile).is_dir());
            others.swap(0, found.ok_or(why)?);
            others
        }
    };
    if started_by_systemd() {
        let own = Paths::of(name, &PathContext::now(true)).map(|paths| paths.pidfile);
        pidfiles.extend(own.ok().filter(|own| !pidfiles.contains(own)));
    }
    Ok(pidfiles)
}

/// Returns the user and group to which the settings change, if that is another user.
fn owner(user: Option<&str>, group: Option<&str>) -> io::Result<Option<(u32, Option<u32>)>> {
    let Some(user) = user else { return Ok(None) };
    let unknown = |what: &str, name: &str, why: String| invalid(&format!("failed to find {what} `{name}`: {why}"));
    let uid = find_uid(user).map_err(|why| unknown("user", user, why))?;
    let gid = group.map(|group| find_group(group).map_err(|why| unknown("group", group, why))).transpose()?;
    Ok(Some((uid.as_raw(), gid.map(Gid::as_raw))))
}

#[cold]
fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn error<W>(daemon: &Daemon<W>) -> String {
        let error = Directory::of(daemon).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        error.to_string()
    }

    #[test]
    fn mistake_in_the_settings_is_reported_and_no_default_place_is_taken() {
        assert!(error(&Daemon::new("agent").pidfile("")).contains("`pidfile` is empty"));
        assert!(error(&Daemon::new("a/b")).contains("\"a/b\" holds a `/`"));
        assert!(error(&Daemon::new("agent").no_pidfile()).contains("do not set `no_pidfile`"));
        let unknown = error(&Daemon::new("agent").pidfile("/run/a.pid").user("no such user"));
        assert_eq!(unknown, "failed to find user `no such user`: there is no such user");
    }

    #[test]
    fn directory_is_beside_the_pidfile_and_of_the_user_of_the_daemon() {
        let of = |daemon: Daemon| Directory::of(&daemon).unwrap();
        let place = of(Daemon::new("agent").pidfile("/run/x/a.pid").user("4711"));
        assert_eq!((place.path(), place.owner()), (Path::new("/run/x/a.agent"), 4711));
        assert_eq!(place.all().count(), 1);
        let default = of(Daemon::new("agent"));
        assert_eq!(default.path().extension(), Some("agent".as_ref()));
        assert_eq!(default.owner(), geteuid().as_raw());
        // A service manager may have started it.
        assert!(default.all().any(|place| place.path() == Path::new("/run/agent/agent.agent")));
    }

    #[test]
    fn created_directory_is_private_and_one_that_exists_is_made_private() {
        let above = tempfile::tempdir().unwrap();
        let place = Directory::beside(&above.path().join("a.pid"));
        assert!(place.open().unwrap().is_none());
        let mode = || place.path().metadata().unwrap().permissions().mode() & 0o7777;
        place.create().unwrap();
        assert_eq!(mode(), 0o700);
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o2751)).unwrap();
        assert!(place.open().unwrap_err().to_string().contains("others than its owner can open it (mode 2751)"));
        place.create().unwrap();
        assert!(mode() == 0o700 && place.open().unwrap().is_some());
    }
}
