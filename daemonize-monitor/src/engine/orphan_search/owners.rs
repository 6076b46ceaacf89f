//! The bot of a process: by the secret in its environment, its session, or its control group.

use super::{OrphanSearch, Owner};
use crate::cgroup;
use crate::engine::bot_table::BotTable;
use crate::engine::process_table::ProcessTable;
use crate::process::{Environment, Facts, Marks};
use daemonize_core::Pid;
use std::collections::HashMap;

impl OrphanSearch {
    /// Returns the bot to which a living child belongs. The secret counts first: it is of one bot for ever, while the number
    /// of a session may come again.
    pub(super) fn owner_of_child(
        &mut self,
        pid: Pid,
        sessions: &HashMap<i32, usize>,
        units: &BotTable,
        processes: &ProcessTable,
    ) -> Owner {
        let alive = || Facts::of(pid).filter(|facts| facts.is_alive);
        if let Some(bot) = self.owners.get(&pid).copied() {
            return alive().map_or(Owner::None, |_| Owner::Bot(bot));
        }
        let mut owner = Owner::None;
        match self.marks.read(pid) {
            Environment::Marked(marks) => {
                if let Some(bot) = self.prove(&marks, units) {
                    self.owners.insert(pid, bot);
                    return Owner::Bot(bot);
                }
                if marks.monitor == self.secret {
                    return Owner::Auxiliary;
                }
            }
            // In a moment it will have an environment, or will be dead.
            Environment::InTransition => {
                let suspects = self.suspects(pid, units, processes);
                self.doubt(&suspects);
                owner = Owner::NotYetKnown;
            }
            Environment::Unmarked => {}
        }
        let by_session = || alive().and_then(|facts| sessions.get(&facts.session).copied());
        by_session().or_else(|| owner_by_cgroup(pid, units)).map_or(owner, Owner::Bot)
    }

    /// Returns the bot to which a process belongs, as its environment proves; check its user first.
    pub(in crate::engine) fn owner(&mut self, pid: Pid, units: &BotTable) -> Option<usize> {
        let marks = self.marks.marks(pid)?;
        self.prove(&marks, units)
    }

    /// Returns the bot that has this secret, regardless of the name in the environment of the process.
    pub(in crate::engine) fn prove(&self, marks: &Marks, units: &BotTable) -> Option<usize> {
        let has_it = |bot: &usize| units[*bot].secret.as_ref() == Some(&marks.secret);
        let bot = || units.named(&marks.bot).filter(has_it).or_else(|| units.all().find(has_it));
        (marks.monitor == self.secret).then(bot).flatten()
    }
}

/// Returns the bot in whose control group a living process is.
fn owner_by_cgroup(pid: Pid, units: &BotTable) -> Option<usize> {
    let mut groups = units.all().filter_map(|bot| Some((bot, units[bot].cgroup.as_ref()?.path.as_deref()?))).peekable();
    groups.peek()?;
    let own = cgroup::path_of(&pid.to_string())?;
    let (bot, _) = groups.find(|(_, group)| cgroup::is_within(&own, group))?;
    Facts::of(pid).is_some_and(|facts| facts.is_alive).then_some(bot)
}
