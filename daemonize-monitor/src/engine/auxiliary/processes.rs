//! The processes of auxiliary commands, and their sessions, in which they may leave others behind.

use crate::process;
use daemonize_core::{Pid, Signal};
use daemonize_sys::wait::{self, Change, Ended};
use nix::sys::signal::killpg;
use std::collections::HashSet;
use std::time::Instant;

/// See the module.
#[derive(Default)]
pub(in crate::engine) struct AuxiliaryProcesses {
    /// The processes that were not reaped.
    running: HashSet<Pid>,
    /// The sessions of those that have ended since nothing was left of any.
    ended: HashSet<Pid>,
    /// When the first of these began.
    since: Option<Instant>,
}

impl AuxiliaryProcesses {
    pub(in crate::engine) fn add(&mut self, pid: Pid) {
        self.running.insert(pid);
    }

    pub(in crate::engine) fn contains(&self, pid: Pid) -> bool {
        self.running.contains(&pid)
    }

    /// Reaps a process if it has ended, after all that is left in its group was killed: until then the number of the group is
    /// its own.
    pub(in crate::engine) fn take(&mut self, pid: Pid) -> Option<Ended> {
        while let Ok(Some(change)) = wait::take_unless_dead(pid) {
            if let Change::Ended(ended) = change {
                kill_group(pid);
                let _ = wait::take(pid);
                self.running.remove(&pid);
                self.ended.insert(pid);
                return Some(ended);
            }
        }
        None
    }

    /// Notes when a command began that has ended: what it has left is not older.
    pub(in crate::engine) fn note_end(&mut self, began: Instant) {
        self.since = Some(self.since.map_or(began, |since| since.min(began)));
    }

    /// Returns when the first command began that has ended since nothing was left of any.
    pub(in crate::engine) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Returns `true` if a process is in the session of a command that runs or has just ended.
    pub(in crate::engine) fn has_session_of(&self, pid: Pid) -> bool {
        if self.running.is_empty() && self.ended.is_empty() {
            return false;
        }
        process::session(pid).is_some_and(|session| self.ended.contains(&session) || self.contains(session))
    }

    /// Returns `true` if a process is in the session of a command that has ended.
    pub(in crate::engine) fn is_left_in_session(&self, pid: Pid) -> bool {
        process::session(pid).is_some_and(|session| self.has_ended(session))
    }

    /// Returns `true` if a session is that of a command that has ended, and of none that runs and has its number now.
    fn has_ended(&self, session: Pid) -> bool {
        self.ended.contains(&session) && !self.contains(session)
    }

    /// Forgets a command that has ended, whose number a process of a bot has now, and so the session of that: what is in it is the
    /// bot's. A command's leftovers that do not cease to fork keep numbers for long, and use them up.
    pub(in crate::engine) fn forget_session(&mut self, pid: Pid) {
        self.ended.remove(&pid);
    }

    /// Forgets the commands that have ended: nothing is left of them.
    pub(in crate::engine) fn forget_ended(&mut self) {
        self.ended.clear();
        self.since = None;
    }
}

/// Kills all that is in the group of a child that was not reaped.
fn kill_group(leader: Pid) {
    let group = nix::unistd::Pid::from_raw(leader.as_raw());
    let _ = killpg(group, nix::sys::signal::Signal::try_from(Signal::SIGKILL.as_raw()).ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_whose_number_a_bot_or_a_newer_command_has_got_is_not_of_an_ended_command() {
        let [bot, command] = [2, 3].map(|number| Pid::from_raw(number).unwrap());
        let mut processes = AuxiliaryProcesses { ended: [bot, command].into(), ..AuxiliaryProcesses::default() };
        assert!(processes.has_ended(bot) && processes.has_ended(command));
        processes.forget_session(bot);
        processes.add(command);
        assert!(!processes.has_ended(bot) && !processes.has_ended(command));
    }
}
