//! Control groups of bots (`cgroups(7)`, version 2), where the monitor's own group is delegated to it.
//!
//! In the delegated group there are `monitor-NAME` with the monitor, since a group that hands controllers to others must have no
//! processes of its own, and `bots-NAME` with a group `bot-BOT` for each bot and a group `command-N` for each check or hook that runs
//! at the same time as others. `bots-NAME` is locked while the monitor runs (`flock(2)`):
//! what is in it after a monitor that was killed is killed by the next one of that name, and by no other.

mod delegation;
mod group_files;
mod group_limits;
mod group_names;
mod leftovers;

pub(crate) use group_files::path_of;
pub(crate) use leftovers::thaw as thaw_leftovers;

use crate::bot::CgroupLimits;
use delegation::DelegatedGroup;
use group_files::{DIRECTORY, has_event, is_populated, make, put, read};
use group_limits::Controllers;
use group_names::{bots_name, command_name, group_name, leaf_name};
use leftovers::{clear, remove_children};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

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
        let (leaf, name) = (leaf_name(monitor), bots_name(monitor));
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
        processes_of(&make(&*self.bots, &group_name(bot))?)
    }

    /// Makes the group of the command with this number, which no other command has while it runs, unless it is there. Returns the
    /// file through which the command joins it.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn join_command(&self, number: usize) -> nix::Result<OwnedFd> {
        processes_of(&make(&*self.bots, &command_name(number))?)
    }

    /// Kills what lives in the group of a command, also what forks all the time. The group stays, for the next command of its
    /// number: it needs no wait until those that are killed have ended.
    pub(crate) fn kill_command(&self, number: usize) {
        let group = openat(&*self.bots, &*command_name(number), DIRECTORY, Mode::empty());
        if let Ok(group) = group.as_ref().map(OwnedFd::as_fd) {
            if is_populated(group) {
                let _ = put(group, "cgroup.kill", "1");
            }
        }
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

    /// Freezes all processes in the group of a bot, also those that they start (`cgroup.freeze`), or thaws them. A process that is
    /// in a system call freezes when it returns from there.
    ///
    /// # Errors
    /// There is no such group, or the kernel refuses it.
    pub(crate) fn freeze(&self, bot: &str, is_to_freeze: bool) -> nix::Result<()> {
        put(self.open_group(bot)?, "cgroup.freeze", if is_to_freeze { "1" } else { "0" })
    }

    /// Returns `true` if the processes in the group of a bot are frozen, by any process.
    pub(crate) fn is_frozen(&self, bot: &str) -> bool {
        self.open_group(bot).is_ok_and(|group| has_event(&group, "frozen 1"))
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

/// Returns the file through which a process joins a group.
fn processes_of(group: &OwnedFd) -> nix::Result<OwnedFd> {
    // A process that was in it may have left it frozen: the kernel would freeze the new process before its program.
    let _ = put(group, "cgroup.freeze", "0");
    openat(group, "cgroup.procs", OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())
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
