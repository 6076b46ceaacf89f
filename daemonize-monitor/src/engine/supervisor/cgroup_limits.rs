//! Puts bots into control groups of their own.

use super::Supervisor;
use crate::engine::bot_cgroups::CgroupReport;
use std::os::fd::OwnedFd;

impl Supervisor {
    /// Makes the control group of a bot that is started. Returns the file through which its process joins the group.
    pub(super) fn join_cgroup(&mut self, index: usize) -> Option<OwnedFd> {
        let (processes, report) = self.cgroups.join(index, &self.units[index].bot);
        self.note_cgroup(index, report);
        processes
    }

    /// Gives the control group of a bot the limits that its specification has now.
    pub(in crate::engine) fn limit_cgroup(&mut self, index: usize) {
        let report = self.cgroups.limit(index, self.units[index].bot.cgroup.as_deref());
        self.note_cgroup(index, report);
    }

    /// Returns the control group of a bot for people, with the processor time that it has used, or why it has none.
    pub(in crate::engine) fn told_cgroup(&self, index: usize) -> String {
        self.cgroups.told(index)
    }

    /// Removes all control groups, since the monitor ends.
    pub(in crate::engine) fn close_cgroups(&mut self) {
        self.cgroups.close();
    }

    /// Keeps what is known of the group of a bot, where it has one, or was to have one.
    fn note_cgroup(&mut self, index: usize, report: CgroupReport) {
        let unit = &mut self.units[index];
        let before = unit.cgroup.as_ref().and_then(|before| before.problem.clone());
        if let Some(problem) = report.problem.as_ref().filter(|problem| before.as_ref() != Some(*problem)) {
            if unit.bot.cgroup.is_some() {
                log::warn!("bot `{}` runs without limits of its control group: {problem}", unit.bot.name);
            }
        }
        let is_of_interest = report.path.is_some() || unit.bot.cgroup.is_some();
        unit.cgroup = is_of_interest.then(|| Box::new(report));
    }
}
