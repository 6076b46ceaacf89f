//! Daemons of the same name that run as other users: root's, and that of the user who called sudo.
//!
//! `SUDO_UID` only chooses a passwd entry to look at, and what is found is only shown. The pidfile is judged by the core: root believes a file in the
//! directory of a user only if the process that it names runs as that user.

use crate::output;
use daemonize_core::status::State;
use daemonize_core::{Daemon, Pid};
use daemonize_sys::account::describe;
use daemonize_sys::paths::{PathContext, Paths, other_pidfiles};
use nix::unistd::{Uid, User, geteuid};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A daemon of another user.
#[derive(Debug)]
pub(super) struct OtherDaemon {
    pub(super) user: Uid,
    pub(super) pid: Pid,
    pub(super) pidfile: PathBuf,
}

/// Returns the daemon of this name that another user runs: for root that of the user who called sudo, else root's.
pub(super) fn other_daemon(daemon: &Daemon) -> Option<OtherDaemon> {
    let settings = daemon.settings();
    // An explicit pidfile is the same for every user.
    if settings.pidfile().is_some() || settings.has_no_pidfile() {
        return None;
    }
    let name = settings.name();
    let pidfiles = if geteuid().is_root() { pidfiles_of_sudo_user(name)? } else { pidfiles_of_root(name) };
    pidfiles.into_iter().find_map(|pidfile| running(name, pidfile))
}

/// Says that a daemon of another user runs, if one does.
pub(super) fn mention(daemon: &Daemon, name: &str) {
    if let Some(other) = other_daemon(daemon) {
        output::note(other.describe(name));
    }
}

impl OtherDaemon {
    /// Returns the sentence about it.
    pub(super) fn describe(&self, name: &str) -> String {
        let way = if geteuid().is_root() { "call this program without sudo" } else { "call this program as that user" };
        format!("{name}: a daemon of {} is running, pid {}: to reach it, {way}", describe(self.user), self.pid)
    }
}

fn running(name: &str, pidfile: PathBuf) -> Option<OtherDaemon> {
    let status = Daemon::new(name).pidfile(pidfile.clone()).status().ok()?;
    let pid = status.pid.filter(|_| status.state == State::Running)?;
    let user = Uid::from_raw(fs::metadata(format!("/proc/{pid}")).ok()?.uid());
    (user != geteuid()).then_some(OtherDaemon { user, pid, pidfile })
}

fn pidfiles_of_sudo_user(name: &str) -> Option<Vec<PathBuf>> {
    let uid: u32 = std::env::var("SUDO_UID").ok()?.parse().ok().filter(|uid| *uid != 0)?;
    let home = User::from_uid(Uid::from_raw(uid)).ok()??.dir;
    let directory = Path::new("/run/user").join(uid.to_string());
    let context = PathContext {
        uid,
        home: Some(home).filter(|home| home.is_absolute()),
        unit_directories: Vec::new(),
        user_directory: directory.is_dir().then_some(directory),
        ..PathContext::now(false)
    };
    let own = Paths::of(name, &context).ok()?;
    Some(std::iter::once(own.pidfile).chain(own.others).collect())
}

fn pidfiles_of_root(name: &str) -> Vec<PathBuf> {
    let root = PathContext { uid: 0, home: None, ..PathContext::now(false) };
    other_pidfiles(name, &root)
}
