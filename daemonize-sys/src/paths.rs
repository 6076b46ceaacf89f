//! The default paths of a daemon's files: pidfile, lock, control directory, sockets, log and state, for root, users with a home directory and
//! systemd units.
//!
//! [`Paths::of`] is a pure function of a name and a [`PathContext`]; [`PathContext::now`] reads the system. No environment variable
//! has influence, except `RUNTIME_DIRECTORY` in a process that systemd has started. `docs/places.md` has the same table, and a test
//! compares the two.

#[cfg(test)]
mod tests;

use crate::account::home;
use crate::pid::Pid;
use crate::trust::OTHERS_WRITE;
use nix::unistd::{geteuid, gethostname};
use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// The variable with the directories of a unit's `RuntimeDirectory=`, separated by colons (`systemd.exec(5)`).
const RUNTIME_DIRECTORY: &str = "RUNTIME_DIRECTORY";

/// The directory of files that do not survive a reboot (`hier(7)`).
const RUN: &str = "/run";

/// The properties of the calling process that determine the paths of a daemon's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathContext {
    /// The effective user.
    pub uid: u32,
    /// The home directory of the passwd entry; `None` without an entry, if it is not an absolute path, and for root, whose files are
    /// not in its home.
    pub home: Option<PathBuf>,
    /// The host name, which is part of file names, since several hosts may share a home directory.
    pub host: String,
    /// The verified directories of `RuntimeDirectory=`, if systemd started this process.
    pub unit_directories: Vec<PathBuf>,
    /// `/run/user/UID`, if it exists, belongs to the user and has mode 0700.
    pub user_directory: Option<PathBuf>,
}

/// The paths of the files of one daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The pidfile that a start creates.
    pub pidfile: PathBuf,
    /// The lock, beside the pidfile.
    pub lock: PathBuf,
    /// The directory of the control socket and its token.
    pub control: PathBuf,
    /// The file with the reason why the daemon ended.
    pub last_words: PathBuf,
    /// The log file; `None` for a user without a home directory.
    pub log: Option<PathBuf>,
    /// The directory for state that survives a restart; `None` for a user without a home directory.
    pub state: Option<PathBuf>,
    /// Other pidfiles to search, in this order: those of a daemon of this name that was started in another context (by systemd, or by
    /// an earlier version of this library).
    pub others: Vec<PathBuf>,
}

/// Returns `true` if systemd started this process: `SYSTEMD_EXEC_PID` is its pid (`systemd.exec(5)`).
pub fn started_by_systemd() -> bool {
    env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == format!("{}", Pid::this()))
}

/// Returns the directory of the control socket of the daemon `name`, if `pidfile` is the default one and the directory is not beside
/// the pidfile.
pub fn control_directory(name: &str, pidfile: &Path) -> Option<PathBuf> {
    let context = PathContext::now(started_by_systemd());
    let paths = Paths::of(name, &context).ok().filter(|paths| paths.pidfile == pidfile)?;
    Some(paths.control).filter(|control| control.parent() != pidfile.parent())
}

/// Returns the directory with the sockets of a daemon on demand, which belongs to this pidfile and to no other: `/run/agent.agent` beside
/// `/run/agent.pid`. It is never in `/run/user/UID`, which is gone when the user's last session ends.
pub fn on_demand_directory(pidfile: &Path) -> PathBuf {
    let name = pidfile.file_name().unwrap_or_default().as_bytes();
    let name = match name.strip_suffix(b".pid") {
        Some(stem) => [stem, b".agent"].concat(),
        // A suffix of its own: `sleepy` and `sleepy.pid` must not share a directory.
        None => [name, b".on-demand"].concat(),
    };
    pidfile.with_file_name(OsStr::from_bytes(&name))
}

impl PathContext {
    /// Reads the context of the calling process. `RUNTIME_DIRECTORY` is read only if `started_by_systemd` is set.
    pub fn now(started_by_systemd: bool) -> PathContext {
        let uid = geteuid();
        let listed = env::var_os(RUNTIME_DIRECTORY).filter(|_| started_by_systemd).unwrap_or_default();
        let (home, user_directory) = if uid.is_root() {
            (None, None)
        } else {
            (home(), Some(user_directory(uid.as_raw())).filter(|path| is_private(path, uid.as_raw())))
        };
        PathContext {
            uid: uid.as_raw(),
            home,
            host: gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned()),
            unit_directories: unit_directories(&listed, uid.as_raw()),
            user_directory,
        }
    }

    /// Returns the unit's directory for the daemon `name`: the one of that name, or the first one.
    fn unit_directory(&self, name: &str) -> Option<&PathBuf> {
        let named = self.unit_directories.iter().find(|path| path.file_name() == Some(OsStr::new(name)));
        named.or_else(|| self.unit_directories.first())
    }

    /// Returns the user's state directory, `~/.local/state`; `None` for root.
    pub fn state(&self) -> Option<PathBuf> {
        self.home.as_ref().filter(|_| self.uid != 0).map(|home| home.join(".local/state"))
    }

    /// Returns the host name as a part of a file name, without characters such as `@` and `/`.
    fn host(&self) -> String {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
        let host = self.host.replace(|letter| !is_plain(letter), "_");
        if host.is_empty() { "localhost".to_owned() } else { host }
    }
}

impl Paths {
    /// Returns the paths of the daemon `name`, which must be a valid file name.
    ///
    /// # Errors
    /// Returns an error for a user other than root without a home directory and without a `RuntimeDirectory=`.
    pub fn of(name: &str, context: &PathContext) -> Result<Paths, String> {
        let is_root = context.uid == 0;
        let state = context.state();
        let (log, kept) = match &state {
            _ if is_root => {
                (Some(format!("/var/log/{name}/{name}.log").into()), Some(Path::new("/var/lib").join(name)))
            }
            Some(state) => (Some(state.join(format!("{name}@{}.log", context.host()))), Some(state.join(name))),
            None => (None, None),
        };
        let (directory, stem) = match (context.unit_directory(name), &state) {
            (Some(unit), _) => (unit.clone(), name.to_owned()),
            (None, _) if is_root => (RUN.into(), name.to_owned()),
            (None, Some(state)) => (state.clone(), format!("{name}@{}", context.host())),
            (None, None) => return Err(homeless(context.uid)),
        };
        let beside = |ending: &str| directory.join(format!("{stem}{ending}"));
        let control = match &context.user_directory {
            Some(user) if context.unit_directory(name).is_none() => user.join(format!("{stem}.control")),
            _ => beside(".control"),
        };
        let pidfile = beside(".pid");
        let mut others = other_pidfiles(name, context);
        others.retain(|path| *path != pidfile);
        let (lock, last_words) = (beside(".pid.lock"), beside(".last"));
        Ok(Paths { pidfile, lock, control, last_words, log, state: kept, others })
    }

    /// Returns the path of the record of the last start by the command line; `None` for a user without a home directory. Not one of
    /// the fields, since no other program needs it.
    pub fn last_start(name: &str, context: &PathContext) -> Option<PathBuf> {
        match context.state() {
            _ if context.uid == 0 => Some(Path::new("/var/lib").join(format!("{name}.start"))),
            state => state.map(|state| state.join(format!("{name}@{}.start", context.host()))),
        }
    }
}

/// Returns the pidfiles of a daemon of this name in every context of this user, except those of other hosts.
pub fn other_pidfiles(name: &str, context: &PathContext) -> Vec<PathBuf> {
    let file = format!("{name}.pid");
    let machine = Path::new(RUN);
    // A unit of the machine may have `User=`.
    let mut paths = vec![machine.join(name).join(&file)];
    if context.uid == 0 {
        paths.push(machine.join(file));
        return paths;
    }
    if let Some(user) = &context.user_directory {
        paths.insert(0, user.join(name).join(&file));
    }
    if let Some(state) = context.state() {
        paths.push(state.join(format!("{name}@{}.pid", context.host())));
        // Version 0.1 had no host in it.
        paths.push(state.join(file));
    }
    paths
}

/// Returns the error message for a user without a home directory.
pub fn homeless(uid: u32) -> String {
    format!("no home directory is known for uid {uid}, which has no passwd entry: set `pidfile`")
}

fn user_directory(uid: u32) -> PathBuf {
    Path::new(RUN).join("user").join(uid.to_string())
}

/// Returns `true` for a directory of this user with mode 0700.
fn is_private(path: &Path, uid: u32) -> bool {
    path.symlink_metadata()
        .is_ok_and(|status| status.is_dir() && status.uid() == uid && status.mode() & 0o7777 == 0o700)
}

/// Returns the directories in the list that can be a `RuntimeDirectory=` of this user: below `/run` or `/run/user/UID`, owned by the
/// user, and not writable by others. Other directories are ignored, since any caller can set the variable.
fn unit_directories(list: &OsStr, uid: u32) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for path in list.as_bytes().split(|byte| *byte == b':') {
        let path = Path::new(OsStr::from_bytes(path));
        if is_below_run(path, uid) && is_own_directory(path, uid) {
            directories.push(path.to_owned());
        }
    }
    directories
}

/// Returns `true` for a path without `..` below the directory in which systemd creates them for this user.
fn is_below_run(path: &Path, uid: u32) -> bool {
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let below = |base: &Path| path.starts_with(base) && path != base;
    let users = Path::new(RUN).join("user");
    plain && below(Path::new(RUN)) && (!path.starts_with(&users) || below(&user_directory(uid)))
}

/// Returns `true` for a directory of this user that others cannot write. Follows links: with `DynamicUser=`, systemd creates one.
fn is_own_directory(path: &Path, uid: u32) -> bool {
    path.metadata().is_ok_and(|status| status.is_dir() && status.uid() == uid && status.mode() & OTHERS_WRITE == 0)
}
