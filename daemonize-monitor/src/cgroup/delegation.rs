//! Finds the control group that is delegated to this process: the one in which it may make groups of its own.
//!
//! A group of a service manager is its own, also where a process of the same user could write there: only where the manager says that
//! it has delegated the group (`user.delegate`, of `Delegate=yes`; `trusted.delegate` before systemd 251), or in the root of a
//! namespace that a container engine has made writable, groups are made.

use super::group_files::path_of;
use daemonize_sys::xattr;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, fstatfs};
use nix::unistd::{AccessFlags, faccessat, geteuid, getppid};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The mounts of the second version of control groups: by itself, or beside the first one.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// There while systemd is process 1.
const SYSTEMD: &str = "/run/systemd/system";

/// A group that is delegated to this process.
#[derive(Debug)]
pub(super) struct DelegatedGroup {
    pub(super) directory: OwnedFd,
    /// Its path in `/proc/PID/cgroup`.
    pub(super) path: PathBuf,
}

impl DelegatedGroup {
    /// Returns `true` if process 1 of a container, whose child this process is, is in the group as well.
    pub(super) fn has_init(&self) -> bool {
        self.path == Path::new("/") && getppid().as_raw() == 1
    }
}

/// Returns the group that is delegated to this process, which is in it or in its child `leaf`; or why there is none.
pub(super) fn find(leaf: &str) -> Result<DelegatedGroup, String> {
    let own = own_path().ok_or("the kernel has no control groups of version 2")?;
    let path =
        own.strip_suffix(&format!("/{leaf}")).map_or(&*own, |parent| if parent.is_empty() { "/" } else { parent });
    let (mount, _) = MOUNTS
        .iter()
        .find_map(|mount| is_cgroup2(mount).map(|root| (*mount, root)))
        .ok_or("no control groups of version 2 are mounted at /sys/fs/cgroup")?;
    let directory = open_directory(&Path::new(mount).join(path.trim_start_matches('/')))
        .map_err(|errno| format!("failed to open the control group `{path}`: {}", errno.desc().to_lowercase()))?;
    if fstat(&directory).map_or(true, |stat| stat.st_uid != geteuid().as_raw()) {
        return Err(format!("the control group `{path}` belongs to another user: a systemd unit needs `Delegate=yes`"));
    }
    let is_delegated = [c"user.delegate", c"trusted.delegate"].iter().any(|name| xattr::has(&directory, name, b"1"));
    if !is_delegated && !is_namespace_root(&directory, path) {
        return Err(format!("the control group `{path}` is not delegated: a systemd unit needs `Delegate=yes`"));
    }
    if faccessat(&directory, "cgroup.kill", AccessFlags::F_OK, nix::fcntl::AtFlags::empty()).is_err() {
        return Err("the kernel is older than Linux 5.14, and cannot kill a control group".to_owned());
    }
    Ok(DelegatedGroup { directory, path: path.into() })
}

/// Returns the path of the group of this process.
fn own_path() -> Option<String> {
    path_of("self")
}

/// Returns `true` for the root of a namespace that no systemd manages: unlike the root of the machine it has a type.
fn is_namespace_root(directory: &OwnedFd, path: &str) -> bool {
    let has_type = faccessat(directory, "cgroup.type", AccessFlags::F_OK, nix::fcntl::AtFlags::empty()).is_ok();
    path == "/" && has_type && !Path::new(SYSTEMD).exists()
}

fn is_cgroup2(mount: &str) -> Option<OwnedFd> {
    let directory = open_directory(Path::new(mount)).ok()?;
    fstatfs(directory.as_fd()).is_ok_and(|fs| fs.filesystem_type() == CGROUP2_SUPER_MAGIC).then_some(directory)
}

pub(super) fn open_directory(path: &Path) -> nix::Result<OwnedFd> {
    open(path, OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())
}
