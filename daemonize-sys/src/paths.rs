//! The one table of places: where a daemon's files are, by its name and by who asks.
//!
//! [`Paths::of`] is a pure function of a name and a [`PathContext`]; [`PathContext::now`] looks at the system. No environment
//! variable decides, with one exception: a process that systemd itself started has its files below its
//! `RuntimeDirectory=`. The same table for readers is in `docs/places.md`, and a test compares the two.

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

/// Names the directories of a unit's `RuntimeDirectory=`, separated by colons (`systemd.exec(5)`).
const RUNTIME_DIRECTORY: &str = "RUNTIME_DIRECTORY";

/// Holds what lives as long as the boot.
const RUN: &str = "/run";

/// Everything about the calling process that decides where a daemon's files are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathContext {
    /// The effective user.
    pub uid: u32,
    /// The home directory of the user's passwd entry; `None` without an entry, or where it is not an absolute path. Not
    /// looked up for root, whose files are not in a home.
    pub home: Option<PathBuf>,
    /// The name of the machine, as it appears in file names: homes may be shared by several machines.
    pub host: String,
    /// The verified directories of `RuntimeDirectory=`, if systemd itself started this process.
    pub unit_directories: Vec<PathBuf>,
    /// `/run/user/UID`, if it exists, belongs to the user and has mode 0700.
    pub user_directory: Option<PathBuf>,
}

/// The paths of the files of one daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The pidfile that a start makes.
    pub pidfile: PathBuf,
    /// The lock, beside the pidfile.
    pub lock: PathBuf,
    /// The directory of the control socket and its token.
    pub control: PathBuf,
    /// The file that says why the daemon ended.
    pub last_words: PathBuf,
    /// The log; `None` where there is neither root nor a home.
    pub log: Option<PathBuf>,
    /// The directory for what survives a restart; `None` where there is neither root nor a home.
    pub state: Option<PathBuf>,
    /// The other pidfiles that verbs look at, the first one first: those of a daemon of this name that was started in
    /// another situation (by systemd, or by an earlier version of this library).
    pub others: Vec<PathBuf>,
}

/// Returns `true` if systemd has started this very process: a variable that it sets names the process.
pub fn started_by_systemd() -> bool {
    env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == format!("{}", Pid::this()))
}

/// Returns the directory of the control socket of the daemon `name`, if `pidfile` is its default one and the directory is
/// not beside it.
pub fn control_directory(name: &str, pidfile: &Path) -> Option<PathBuf> {
    let situation = PathContext::now(started_by_systemd());
    let places = Paths::of(name, &situation).ok().filter(|places| places.pidfile == pidfile)?;
    Some(places.control).filter(|control| control.parent() != pidfile.parent())
}

impl PathContext {
    /// Looks at the calling process; `started_by_systemd` says whether its environment is addressed to it.
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

    /// The unit's directory for the daemon `name`: the one of that name, or the first one.
    fn unit_directory(&self, name: &str) -> Option<&PathBuf> {
        let named = self.unit_directories.iter().find(|path| path.file_name() == Some(OsStr::new(name)));
        named.or_else(|| self.unit_directories.first())
    }

    /// The directory for what a user's programs keep; root has several.
    pub fn state(&self) -> Option<PathBuf> {
        self.home.as_ref().filter(|_| self.uid != 0).map(|home| home.join(".local/state"))
    }

    /// The host as a part of a file name. No character of it can end the name before it.
    fn host(&self) -> String {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
        let host = self.host.replace(|letter| !is_plain(letter), "_");
        if host.is_empty() { "localhost".to_owned() } else { host }
    }
}

impl Paths {
    /// The places of the daemon `name`, which has to be a file name.
    ///
    /// # Errors
    /// Neither root, nor a unit with a `RuntimeDirectory=`, nor a user with a home.
    pub fn of(name: &str, situation: &PathContext) -> Result<Paths, String> {
        let is_root = situation.uid == 0;
        let state = situation.state();
        let (log, kept) = match &state {
            _ if is_root => (Some(format!("/var/log/{name}.log").into()), Some(Path::new("/var/lib").join(name))),
            Some(state) => (Some(state.join(format!("{name}@{}.log", situation.host()))), Some(state.join(name))),
            None => (None, None),
        };
        let (directory, stem) = match (situation.unit_directory(name), &state) {
            (Some(unit), _) => (unit.clone(), name.to_owned()),
            (None, _) if is_root => (RUN.into(), name.to_owned()),
            (None, Some(state)) => (state.clone(), format!("{name}@{}", situation.host())),
            (None, None) => return Err(homeless(situation.uid)),
        };
        let beside = |ending: &str| directory.join(format!("{stem}{ending}"));
        let control = match &situation.user_directory {
            Some(user) if situation.unit_directory(name).is_none() => user.join(format!("{stem}.control")),
            _ => beside(".control"),
        };
        let pidfile = beside(".pid");
        let mut others = other_pidfiles(name, situation);
        others.retain(|path| *path != pidfile);
        Ok(Paths { pidfile, lock: beside(".pid.lock"), control, last_words: beside(".last"), log, state: kept, others })
    }
}

/// Returns the pidfiles of a daemon of this name in every situation of this user, but for those of other host names.
pub fn other_pidfiles(name: &str, situation: &PathContext) -> Vec<PathBuf> {
    let file = format!("{name}.pid");
    let machine = Path::new(RUN);
    // A unit of the machine may have `User=`.
    let mut paths = vec![machine.join(name).join(&file)];
    if situation.uid == 0 {
        paths.push(machine.join(file));
        return paths;
    }
    if let Some(user) = &situation.user_directory {
        paths.insert(0, user.join(name).join(&file));
    }
    if let Some(state) = situation.state() {
        paths.push(state.join(format!("{name}@{}.pid", situation.host())));
        // Version 0.1 had no host in it.
        paths.push(state.join(file));
    }
    paths
}

/// Returns the error for a user without a home.
pub fn homeless(uid: u32) -> String {
    format!("no home directory is known for uid {uid}, which has no passwd entry: set `pidfile`")
}

fn user_directory(uid: u32) -> PathBuf {
    Path::new(RUN).join("user").join(uid.to_string())
}

/// Returns `true` for a directory of this user that no other user can enter.
fn is_private(path: &Path, uid: u32) -> bool {
    path.symlink_metadata()
        .is_ok_and(|status| status.is_dir() && status.uid() == uid && status.mode() & 0o7777 == 0o700)
}

/// Returns the directories in the list that a `RuntimeDirectory=` of this user can be: below `/run` or `/run/user/UID`, the
/// user's own, and writable by no other one. Everything else is left out: a variable is not a proof.
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

/// Returns `true` for a plain path below the directory where systemd makes them for this user.
fn is_below_run(path: &Path, uid: u32) -> bool {
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let below = |base: &Path| path.starts_with(base) && path != base;
    let users = Path::new(RUN).join("user");
    plain && below(Path::new(RUN)) && (!path.starts_with(&users) || below(&user_directory(uid)))
}

/// Follows links: with `DynamicUser=`, systemd makes one to a directory that it owns.
fn is_own_directory(path: &Path, uid: u32) -> bool {
    path.metadata().is_ok_and(|status| status.is_dir() && status.uid() == uid && status.mode() & OTHERS_WRITE == 0)
}
