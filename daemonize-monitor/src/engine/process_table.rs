//! The processes of bots that are not reaped yet, by pid; reaps them with `waitid(2)`.

use daemonize_core::{Pid, Signal};
use daemonize_sys::pidfd;
use daemonize_sys::wait::{self, Change, Ended};
use nix::sys::signal::kill;
use std::collections::HashMap;

/// See the module.
#[derive(Default)]
pub(super) struct ProcessTable(HashMap<Pid, ProcessEntry>);

struct ProcessEntry {
    bot: usize,
    /// Its end was reported, and it is kept as a zombie.
    has_ended: bool,
}

impl ProcessTable {
    pub(super) fn add(&mut self, pid: Pid, bot: usize) {
        self.0.insert(pid, ProcessEntry { bot, has_ended: false });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the bot of a process.
    pub(super) fn bot(&self, pid: Pid) -> Option<usize> {
        self.0.get(&pid).map(|entry| entry.bot)
    }

    pub(super) fn contains(&self, pid: Pid) -> bool {
        self.0.contains_key(&pid)
    }

    /// Takes what has become of a process, in the order in which it happened.
    pub(super) fn take_changes(&mut self, pid: Pid, changes: &mut Vec<(usize, Change)>) {
        let by_number = pidfd::knows_groups_by_number();
        while let Some(entry) = self.0.get_mut(&pid).filter(|entry| !entry.has_ended) {
            let bot = entry.bot;
            let change = match if by_number { wait::take_unless_dead(pid) } else { wait::take(pid) } {
                Ok(Some(change)) => change,
                Ok(None) => return,
                // Another part of this program has taken its status: it has ended regardless.
                Err(_) => Change::Ended(Ended::Status(-1)),
            };
            if matches!(change, Change::Ended(_)) {
                if by_number {
                    // Its zombie keeps the number of its group.
                    entry.has_ended = true;
                } else {
                    self.0.remove(&pid);
                }
            }
            changes.push((bot, change));
        }
    }

    /// Reaps a process that was kept as a zombie.
    pub(super) fn release(&mut self, pid: Pid) {
        if self.0.remove(&pid).is_some() {
            let _ = wait::take(pid);
        }
    }
}

/// Sends a signal to a child that was not reaped, so that its number is its own; it receives it even if it is suspended.
pub(super) fn signal_child(child: Pid, signal: Signal) {
    let child = nix::unistd::Pid::from_raw(child.as_raw());
    for number in [signal.as_raw(), Signal::SIGCONT.as_raw()] {
        let _ = nix::sys::signal::Signal::try_from(number).map(|signal| kill(child, signal));
    }
}
