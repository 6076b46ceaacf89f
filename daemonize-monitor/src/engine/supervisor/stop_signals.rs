//! Signals what there is of a bot, gives back its process when nothing is left, and reports what SIGKILL has not ended.

use super::Supervisor;
use crate::engine::bot_state::BotEvent;
use daemonize_core::Signal;

impl Supervisor {
    /// Sends a signal to all of a bot that is known.
    pub(super) fn signal(&mut self, index: usize, signal: Signal, hurries: bool) {
        self.cgroups.thaw(index);
        if let Some(process) = &self.units[index].process {
            // An empty group is no failure: the bot is gone, or is about to be.
            let _ = process.handle.send_stop_to_group(process.pid, signal, hurries);
            let _ = process.handle.send_group(process.pid, Signal::SIGCONT);
        }
        self.children.orphans.signal(index, signal);
        if signal == Signal::SIGKILL {
            // All at once, also what forks faster than it is found.
            self.cgroups.kill(index);
        }
    }

    pub(super) fn release_process(&mut self, index: usize) {
        self.children.orphans.end_search(index);
        if let Some(process) = self.units[index].process.take() {
            self.children.processes.release(process.pid);
            self.journal.ended(process.pid);
        }
        if self.cgroups.kill_leftovers(index) {
            log::warn!("bot `{}` left processes in its control group: they are killed", self.units[index].bot.name);
        }
    }

    /// Reports what SIGKILL has not ended of a bot: until that is gone, the bot is not stopped.
    pub(super) fn report_survivors(&mut self, index: usize) {
        let unit = &self.units[index];
        if unit.bot_state.is_pending() {
            return;
        }
        let orphans = &self.children.orphans;
        let survivor = unit.living_process().map(|process| process.pid).or(orphans.of_bot(index).first().copied());
        let reason = match survivor {
            _ if orphans.is_fork_loop(index) => {
                "what it has started forks and exits faster than it can be killed".to_owned()
            }
            Some(pid) => format!("process {pid} does not end of SIGKILL"),
            None => return,
        };
        self.on(index, BotEvent::SurvivesKill(reason));
    }
}
