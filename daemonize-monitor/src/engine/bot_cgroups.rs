//! The control groups of bots, where there are any: joined at each start, killed with the last step of a stop.

use crate::bot::{Bot, CgroupLimits};
use crate::cgroup::{self, CgroupTree};
use daemonize_core::Pid;
use nix::errno::Errno;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;

/// See the module.
pub(super) struct BotCgroups {
    /// The groups, or why there are none.
    tree: Result<CgroupTree, String>,
    groups: BTreeMap<usize, BotCgroup>,
}

/// The group of one bot.
struct BotCgroup {
    /// The name that the bot had when the group was made.
    bot: String,
    has_limits: bool,
}

/// The control group of a bot, as it is reported.
#[derive(Clone, Debug, Default)]
pub(super) struct CgroupReport {
    /// Its path in `/proc/PID/cgroup`.
    pub(super) path: Option<String>,
    /// Why there is none, or why limits do not apply that the bot is to have.
    pub(super) problem: Option<String>,
}

impl BotCgroups {
    /// Makes the groups of the monitor with this journal. Without one there are none.
    pub(super) fn open(journal: Option<&Path>) -> BotCgroups {
        let name = monitor_name(journal);
        let tree = name.ok_or_else(|| "the monitor has no pidfile".to_owned()).and_then(CgroupTree::open);
        match &tree {
            Ok(tree) => log::debug!("each bot has a control group in `{}`", tree.path().display()),
            Err(why) => log::debug!("bots have no control groups of their own: {why}"),
        }
        BotCgroups { tree, groups: BTreeMap::new() }
    }

    /// Makes the group of a bot that is started, with its limits. Returns the file through which its process joins the group.
    pub(super) fn join(&mut self, index: usize, bot: &Bot) -> (Option<OwnedFd>, CgroupReport) {
        let tree = match &mut self.tree {
            Ok(tree) => tree,
            Err(why) => return (None, CgroupReport { path: None, problem: Some(why.clone()) }),
        };
        if let Some(old) = self.groups.get(&index).filter(|group| group.bot != bot.name) {
            tree.remove(&old.bot);
            self.groups.remove(&index);
        }
        match tree.join(&bot.name) {
            Ok(processes) => {
                self.groups.entry(index).or_insert_with(|| BotCgroup { bot: bot.name.clone(), has_limits: false });
                (Some(processes), self.limit(index, bot.cgroup.as_deref()))
            }
            Err(errno) => {
                self.groups.remove(&index);
                let why = format!("failed to make its control group: {}", errno.desc().to_lowercase());
                (None, CgroupReport { path: None, problem: Some(why) })
            }
        }
    }

    /// Gives the group of a bot the limits that it has now.
    pub(super) fn limit(&mut self, index: usize, limits: Option<&CgroupLimits>) -> CgroupReport {
        let (Ok(tree), Some(group)) = (&mut self.tree, self.groups.get_mut(&index)) else {
            let why = self.tree.as_ref().err().cloned();
            return CgroupReport { path: None, problem: why };
        };
        let mut problem = None;
        if limits.is_some() || group.has_limits {
            problem = tree.limit(&group.bot, limits.unwrap_or(&CgroupLimits::default()));
            group.has_limits = limits.is_some();
        }
        CgroupReport { path: Some(tree.path_of_bot(&group.bot).display().to_string()), problem }
    }

    /// Returns the group of a bot for people, or why it has none.
    pub(super) fn told(&self, index: usize) -> String {
        match (&self.tree, self.groups.get(&index)) {
            (Err(why), _) => format!("none: {why}"),
            (Ok(_), None) => "none until it is started".to_owned(),
            (Ok(tree), Some(group)) => {
                let path = tree.path_of_bot(&group.bot).display().to_string();
                let frozen = if tree.is_frozen(&group.bot) { ", frozen" } else { "" };
                let time = tree.processor_time(&group.bot);
                let time =
                    time.map_or_else(String::new, |time| format!(", {:.1}s of processor time", time.as_secs_f64()));
                format!("{path}{frozen}{time}")
            }
        }
    }

    /// Freezes all processes of the bot whose main process this is, or thaws them.
    ///
    /// # Errors
    /// It has no control group, is not in it, or the kernel refuses it.
    pub(super) fn freeze(&self, index: usize, process: Pid, is_to_freeze: bool) -> Result<(), String> {
        let (Ok(tree), Some(group)) = (&self.tree, self.groups.get(&index)) else {
            let why = self.tree.as_ref().err().map_or("it could not be made", |why| why);
            return Err(format!("it has no control group of its own: {why}"));
        };
        let own = tree.path_of_bot(&group.bot);
        let is_in_it = || cgroup::path_of(&process.to_string()).is_some_and(|path| Path::new(&path).starts_with(&own));
        if is_to_freeze && !is_in_it() {
            return Err(format!("process {process} has left its control group `{}`", own.display()));
        }
        let failed = |errno: Errno| format!("failed to write its `cgroup.freeze`: {}", errno.desc().to_lowercase());
        tree.freeze(&group.bot, is_to_freeze).map_err(failed)
    }

    /// Thaws the processes of a bot before they receive a signal: frozen ones do not handle it, whatever has frozen them.
    pub(super) fn thaw(&self, index: usize) {
        if let (Ok(tree), Some(group)) = (&self.tree, self.groups.get(&index)) {
            let _ = tree.freeze(&group.bot, false);
        }
    }

    /// Kills all processes in the group of a bot.
    pub(super) fn kill(&self, index: usize) {
        if let (Ok(tree), Some(group)) = (&self.tree, self.groups.get(&index)) {
            tree.kill(&group.bot);
        }
    }

    /// Makes the group of the auxiliary command with this number. Returns the file through which it joins the group, if there is
    /// one: without, what it leaves behind is found as far as that is known.
    pub(super) fn join_command(&self, number: usize) -> Option<OwnedFd> {
        let joined = self.tree.as_ref().ok()?.join_command(number);
        joined.inspect_err(|errno| log::debug!("a command has no control group: {}", errno.desc().to_lowercase())).ok()
    }

    /// Kills what is left of the auxiliary command with this number.
    pub(super) fn kill_command(&self, number: usize) {
        if let Ok(tree) = &self.tree {
            tree.kill_command(number);
        }
    }

    /// Kills what is left in the group of a bot of which nothing else is left. Returns `true` if there was something.
    pub(super) fn kill_leftovers(&self, index: usize) -> bool {
        let (Ok(tree), Some(group)) = (&self.tree, self.groups.get(&index)) else { return false };
        let is_populated = tree.is_populated(&group.bot);
        if is_populated {
            tree.kill(&group.bot);
        }
        is_populated
    }

    /// Removes the group of a bot that is removed.
    pub(super) fn remove(&mut self, index: usize) {
        if let (Ok(tree), Some(group)) = (&self.tree, self.groups.remove(&index)) {
            tree.remove(&group.bot);
        }
    }

    /// Removes all groups at the end of the monitor.
    pub(super) fn close(&mut self) {
        let closed = Err("the monitor has ended".to_owned());
        if let Ok(tree) = std::mem::replace(&mut self.tree, closed) {
            tree.close();
        }
    }
}

/// Thaws what an earlier monitor with this journal has left frozen.
pub(super) fn thaw_leftovers(journal: Option<&Path>) {
    if let Some(name) = monitor_name(journal) {
        cgroup::thaw_leftovers(name);
    }
}

/// Returns the name of the monitor with this journal.
fn monitor_name(journal: Option<&Path>) -> Option<&str> {
    journal?.file_stem()?.to_str()
}
