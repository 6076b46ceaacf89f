//! Ends what auxiliary commands have left behind outside of their process groups: children that are in the session of a command
//! that has ended, or have its secret in their environment.

use super::bot_table::BotTable;
use super::orphan_search::AGE_TOLERANCE;
use super::process_table::signal_child;
use super::reaper::{IsStarting, Reaper};
use crate::process::{self, Facts};
use crate::secret::Secret;
use daemonize_core::{Pid, Signal};
use std::time::Instant;

impl Reaper {
    /// Kills the children that commands have left which have ended, the first of which began at `since`. `is_running` tells the
    /// secrets of others. Returns `true` if there were some.
    pub(super) fn kill_auxiliary_leftovers(
        &mut self,
        since: Instant,
        units: &BotTable,
        is_starting: IsStarting,
        is_running: &dyn Fn(&Secret) -> bool,
    ) -> bool {
        let longest = since.elapsed() + AGE_TOLERANCE;
        let mut is_any = false;
        for pid in process::child_pids() {
            let is_other = self.processes.contains(pid)
                || self.auxiliary.contains(pid)
                || is_starting(pid)
                || process::is_of_our_session(pid);
            if is_other || !Facts::of(pid).is_some_and(|facts| facts.is_alive && facts.age() <= longest) {
                continue;
            }
            if self.auxiliary.is_left_in_session(pid) || self.is_of_ended_command(pid, units, is_running) {
                log::debug!("process {pid} was left behind by a check or a hook, and is killed");
                signal_child(pid, Signal::SIGKILL);
                is_any = true;
            }
        }
        is_any
    }

    /// Returns `true` if a child was started by a command that has ended: it knows the secret of this monitor, and one that no bot
    /// has, and no command that runs.
    fn is_of_ended_command(&mut self, pid: Pid, units: &BotTable, is_running: &dyn Fn(&Secret) -> bool) -> bool {
        let orphans = &mut self.orphans;
        orphans.marks.marks(pid).is_some_and(|marks| {
            marks.monitor == orphans.secret && orphans.prove(&marks, units).is_none() && !is_running(&marks.secret)
        })
    }
}
