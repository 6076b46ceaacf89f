//! Leftovers in the groups of bots: of a monitor that was killed, or of the bots of one that ends.

use super::delegation;
use super::group_files::{DIRECTORY, is_populated, put};
use super::group_names::{bots_name, leaf_name};
use nix::fcntl::{Flock, FlockArg, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the processes of a group that was killed are waited for, when the monitor starts or ends.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is looked whether they have ended.
const KILL_POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How deep groups are removed that a bot has made within its own.
const MAX_DEPTH: u32 = 16;

/// Thaws what an earlier monitor of this name has left frozen, so that it acts on the signals by which it is ended in order.
pub(crate) fn thaw(monitor: &str) {
    let (leaf, name) = (leaf_name(monitor), bots_name(monitor));
    let Ok(delegated) = delegation::find(&leaf) else { return };
    let Ok(bots) = openat(&delegated.directory, &*name, DIRECTORY, Mode::empty()) else { return };
    // Another monitor of this name that runs has a lock.
    let Ok(bots) = Flock::lock(bots, FlockArg::LockExclusiveNonblock) else { return };
    let _ = put(&*bots, "cgroup.freeze", "0");
    for name in children(&bots) {
        if let Ok(group) = openat(&*bots, &*name, DIRECTORY, Mode::empty()) {
            let _ = put(group, "cgroup.freeze", "0");
        }
    }
}

/// Kills all that is in the groups of bots, and removes these.
pub(super) fn clear(bots: &OwnedFd) {
    if is_populated(bots) {
        let _ = put(bots, "cgroup.kill", "1");
        let deadline = Instant::now() + KILL_TIMEOUT;
        while is_populated(bots) && Instant::now() < deadline {
            sleep(KILL_POLL_INTERVAL);
        }
    }
    remove_children(bots, 0);
}

/// Removes the groups within a group, as far as no process of them lives.
pub(super) fn remove_children(group: &OwnedFd, depth: u32) {
    for name in children(group) {
        if depth < MAX_DEPTH {
            if let Ok(child) = openat(group, &*name, DIRECTORY, Mode::empty()) {
                remove_children(&child, depth + 1);
            }
        }
        let _ = unlinkat(group, &*name, UnlinkatFlags::RemoveDir);
    }
}

/// Returns the names of the groups within a group.
fn children(group: &OwnedFd) -> Vec<OsString> {
    let Ok(entries) = fs::read_dir(format!("/proc/self/fd/{}", group.as_raw_fd())) else { return Vec::new() };
    let is_group = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries.flatten().filter(is_group).map(|entry| entry.file_name()).collect()
}
