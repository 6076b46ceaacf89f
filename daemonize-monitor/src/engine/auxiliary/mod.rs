//! Auxiliary commands of bots: programs that the monitor runs beside a bot for a short time, such as checks and hooks.
//!
//! Each runs as the bot's user, in the bot's directory and environment without its secret, in a session of its own, until its
//! deadline. It is a child of the engine's thread, and neither the bot nor an orphan of it: it has a secret of its own, by which
//! what it leaves behind is found. This part is the table of them; the supervisor starts and ends them.

mod outcome;
mod processes;
mod purpose;
mod run;

pub(super) use outcome::{AuxiliaryOutcome, AuxiliaryResult};
pub(super) use processes::AuxiliaryProcesses;
pub(super) use purpose::{Hook, Purpose};
pub(super) use run::{AuxiliaryOutput, AuxiliaryPipes, AuxiliaryRun, AuxiliaryStage};

use super::slab::{Key, Slab};
use crate::secret::Secret;
use daemonize_core::Pid;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::time::Duration;

/// How many commands may run at once, beside those that do not end of SIGKILL.
const MAX_RUNNING: usize = 32;

/// How many commands may wait for their turn.
const MAX_QUEUED: usize = 4096;

/// An auxiliary command of a bot.
#[derive(Clone, Debug)]
pub(super) struct AuxiliaryCommand {
    /// The program, searched for in the bot's `PATH` if it has no `/`, and its arguments.
    pub(super) argv: Vec<OsString>,
    /// Variables beside those of the bot.
    pub(super) variables: BTreeMap<OsString, OsString>,
    /// Its stdin; empty for `/dev/null`.
    pub(super) stdin: Vec<u8>,
    /// How long it may run.
    pub(super) timeout: Duration,
}

/// A command that waits for its turn.
pub(super) struct QueuedCommand {
    pub(super) bot: Key,
    pub(super) purpose: Purpose,
    pub(super) command: AuxiliaryCommand,
}

/// The auxiliary commands that wait or run.
#[derive(Default)]
pub(super) struct Auxiliaries {
    queue: VecDeque<QueuedCommand>,
    pub(super) runs: Slab<AuxiliaryRun>,
}

impl Auxiliaries {
    /// Queues a command. Returns `false` if the bot has one of this purpose, or too many commands wait.
    pub(super) fn queue(&mut self, bot: Key, purpose: Purpose, command: AuxiliaryCommand) -> bool {
        let has_queued = self.queue.iter().any(|queued| queued.bot == bot && queued.purpose == purpose);
        let has_running = self.runs.iter().any(|(_, run)| run.bot == bot && run.purpose == purpose);
        if has_queued || has_running || self.queue.len() >= MAX_QUEUED {
            return false;
        }
        self.queue.push_back(QueuedCommand { bot, purpose, command });
        true
    }

    /// Returns `true` if a command waits that may run.
    pub(super) fn has_due(&self) -> bool {
        let running = || self.runs.iter().filter(|(_, run)| !run.is_reported).count();
        !self.queue.is_empty() && running() < MAX_RUNNING
    }

    /// Takes the next command that may run.
    pub(super) fn take_due(&mut self) -> Option<QueuedCommand> {
        if self.has_due() { self.queue.pop_front() } else { None }
    }

    /// Removes the commands that wait and are chosen, and returns their number.
    pub(super) fn unqueue(&mut self, is_chosen: impl Fn(Key, Purpose) -> bool) -> usize {
        let before = self.queue.len();
        self.queue.retain(|queued| !is_chosen(queued.bot, queued.purpose));
        before - self.queue.len()
    }

    /// Returns `true` if no command waits or runs.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.runs.iter().next().is_none()
    }

    /// Returns `true` if a child has not executed the program of its command yet, as far as is known.
    pub(super) fn is_starting(&self, pid: Pid) -> bool {
        self.runs.iter().any(|(_, run)| matches!(&run.stage, AuxiliaryStage::Execution(child, _) if child.pid() == pid))
    }

    /// Returns `true` if a command that has not ended has this secret.
    pub(super) fn has_secret(&self, secret: &Secret) -> bool {
        self.runs.iter().any(|(_, run)| run.secret == *secret)
    }

    /// Returns the command that a process runs.
    pub(super) fn of_process(&self, process: Pid) -> Option<Key> {
        let is_it = |run: &AuxiliaryRun| matches!(&run.stage, AuxiliaryStage::Running(pid, _) if *pid == process);
        self.runs.iter().find(|(_, run)| is_it(run)).map(|(index, _)| self.runs.key(index))
    }

    /// Returns the commands that run and are chosen.
    pub(super) fn chosen(&self, is_chosen: impl Fn(Key, Purpose) -> bool) -> Vec<Key> {
        let chosen = self.runs.iter().filter(|(_, run)| is_chosen(run.bot, run.purpose));
        chosen.map(|(index, _)| self.runs.key(index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_command_waits_for_each_purpose_of_a_bot() {
        let mut auxiliaries = Auxiliaries::default();
        let [one, other] = [1, 2].map(|index| Key { index, generation: 0 });
        let command = || AuxiliaryCommand {
            argv: vec!["true".into()],
            variables: BTreeMap::new(),
            stdin: Vec::new(),
            timeout: Duration::from_secs(1),
        };
        assert!(auxiliaries.queue(one, Purpose::Check, command()));
        assert!(!auxiliaries.queue(one, Purpose::Check, command()));
        assert!(
            auxiliaries.queue(one, Purpose::Ready, command()) && auxiliaries.queue(other, Purpose::Check, command())
        );
        assert_eq!(auxiliaries.unqueue(|bot, _| bot == one), 2);
        assert_eq!(auxiliaries.take_due().map(|queued| queued.bot), Some(other));
        assert!(auxiliaries.is_idle() && auxiliaries.take_due().is_none());
    }
}
