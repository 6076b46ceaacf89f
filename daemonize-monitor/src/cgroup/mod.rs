//! Control groups of bots (`cgroups(7)`, version 2), where the monitor's own group is delegated to it.
//!
//! In the delegated group there are `monitor-NAME` with the monitor, since a group that hands controllers to others must have no
//! processes of its own, and `bots-NAME` with a group `bot-BOT` for each bot. `bots-NAME` is locked while the monitor runs (`flock(2)`):
//! what is in it after a monitor that was killed is killed by the next one of that name, and by no other.

mod delegation;
mod group_files;
mod group_limits;

pub(crate) use group_files::path_of;

use crate::bot::CgroupLimits;
use delegation::DelegatedGroup;
use group_files::{DIRECTORY, is_populated, make, put, read};
use group_limits::Controllers;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the processes of a group that was killed are waited for, when the monitor starts or ends.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is looked whether they have ended.
const KILL_POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How deep groups are removed that a bot has made within its own.
const MAX_DEPTH: u32 = 16;

/// The groups of a monitor and its bots. See the module.
pub(crate) struct CgroupTree {
    delegated: DelegatedGroup,
    /// The name of the group of the monitor.
    leaf: String,
    /// The name of the group of all bots.
    name: String,
    bots: Flock<OwnedFd>,
    controllers: Controllers,
}

impl CgroupTree {
    /// Makes the groups of the monitor of this name, moves the monitor into its own, and ends what an earlier one has left in
    /// those of its bots. Returns why there are none otherwise.
    pub(crate) fn open(monitor: &str) -> Result<CgroupTree, String> {
        let (leaf, name) = (format!("monitor-{monitor}"), format!("bots-{monitor}"));
        let delegated = delegation::find(&leaf)?;
        let failed = |what: &str, errno: Errno| {
            format!(
                "failed to {what} in the control group `{}`: {}",
                delegated.path.display(),
                errno.desc().to_lowercase()
            )
        };
        let bots = make(&delegated.directory, &name).map_err(|errno| failed("make a group", errno))?;
        let bots = Flock::lock(bots, FlockArg::LockExclusiveNonblock)
            .map_err(|(_, _)| "another monitor of this name uses the control group".to_owned())?;
        clear(&bots);
        let own = make(&delegated.directory, &leaf).map_err(|errno| failed("make a group", errno))?;
        put(&own, "cgroup.procs", "0").map_err(|errno| failed("move the monitor", errno))?;
        if delegated.has_init() {
            // It is in the way of controllers otherwise.
            let _ = put(&own, "cgroup.procs", "1");
        }
        Ok(CgroupTree { delegated, leaf, name, bots, controllers: Controllers::default() })
    }

    /// Returns the path of the group of all bots, as in `/proc/PID/cgroup`.
    pub(crate) fn path(&self) -> PathBuf {
        self.delegated.path.join(&self.name)
    }

    /// Returns the path of the group of a bot, as in `/proc/PID/cgroup`.
    pub(crate) fn path_of_bot(&self, bot: &str) -> PathBuf {
        self.path().join(group_name(bot))
    }

    /// Makes the group of a bot, unless it is there. Returns the file through which processes join it.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn join(&self, bot: &str) -> nix::Result<OwnedFd> {
        let group = make(&*self.bots, &group_name(bot))?;
        openat(&group, "cgroup.procs", OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())
    }

    /// Sets the limits of the group of a bot; those that it has not are taken from it. Returns those that could not be set, with
    /// the reason.
    pub(crate) fn limit(&mut self, bot: &str, limits: &CgroupLimits) -> Option<String> {
        let group = self.open_group(bot).ok()?;
        self.controllers.limit(&self.delegated.directory, &self.bots, &group, limits)
    }

    /// Kills all processes in the group of a bot (`cgroup.kill`), also those that fork all the time.
    pub(crate) fn kill(&self, bot: &str) {
        if let Ok(group) = self.open_group(bot) {
            let _ = put(&group, "cgroup.kill", "1");
        }
    }

    /// Returns `true` if a process of the group of a bot lives.
    pub(crate) fn is_populated(&self, bot: &str) -> bool {
        self.open_group(bot).is_ok_and(|group| is_populated(&group))
    }

    /// Returns the processor time that all processes have used which ever were in the group of a bot.
    pub(crate) fn processor_time(&self, bot: &str) -> Option<Duration> {
        let text = read(&self.open_group(bot).ok()?, "cpu.stat").ok()?;
        let microseconds = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
        microseconds.trim().parse().ok().map(Duration::from_micros)
    }

    /// Removes the group of a bot, if no process of it lives.
    pub(crate) fn remove(&self, bot: &str) {
        if let Ok(group) = self.open_group(bot) {
            remove_children(&group, 0);
        }
        let _ = unlinkat(&*self.bots, &*group_name(bot), UnlinkatFlags::RemoveDir);
    }

    /// Removes all groups, when all bots have ended.
    pub(crate) fn close(mut self) {
        clear(&self.bots);
        let root = &self.delegated.directory;
        let _ = unlinkat(root, &*self.name, UnlinkatFlags::RemoveDir);
        self.controllers.take_back(root);
        if self.delegated.has_init() {
            let _ = put(root, "cgroup.procs", "1");
        }
        if put(root, "cgroup.procs", "0").is_ok() {
            let _ = unlinkat(root, &*self.leaf, UnlinkatFlags::RemoveDir);
        }
    }

    fn open_group(&self, bot: &str) -> nix::Result<OwnedFd> {
        openat(&*self.bots, &*group_name(bot), DIRECTORY, Mode::empty())
    }
}

/// Returns `true` if the path of a group is that of another one, or is below it.
pub(crate) fn is_within(path: &str, group: &str) -> bool {
    path.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The name of the group of a bot. Bots may be called as files of the kernel's are, such as `cgroup.procs`.
fn group_name(bot: &str) -> String {
    format!("bot-{bot}")
}

/// Kills all that is in the groups of bots, and removes these.
fn clear(bots: &OwnedFd) {
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
fn remove_children(group: &OwnedFd, depth: u32) {
    let Ok(entries) = fs::read_dir(format!("/proc/self/fd/{}", group.as_raw_fd())) else { return };
    let is_group = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let names: Vec<OsString> = entries.flatten().filter(is_group).map(|entry| entry.file_name()).collect();
    for name in names {
        if depth < MAX_DEPTH {
            if let Ok(child) = openat(group, &*name, DIRECTORY, Mode::empty()) {
                remove_children(&child, depth + 1);
            }
        }
        let _ = unlinkat(group, &*name, UnlinkatFlags::RemoveDir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_within_a_group_by_whole_names() {
        let group = "/shop/bots-m/bot-web";
        for (path, expected) in
            [(group, true), ("/shop/bots-m/bot-web/own", true), ("/shop/bots-m/bot-web:1", false), ("/", false)]
        {
            assert_eq!(is_within(path, group), expected, "{path}");
        }
    }

    #[test]
    fn process_without_a_group_of_version_2_has_no_path() {
        assert!(path_of("self").is_none_or(|path| path.starts_with('/')));
        assert_eq!(path_of("0"), None);
    }
}
