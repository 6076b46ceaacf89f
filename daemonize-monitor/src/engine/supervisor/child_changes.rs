//! Passes exits, stops and continuations of processes to the states of their bots, and runs the search for orphans.

use super::Supervisor;
use crate::engine::bot_state::BotEvent;
use crate::engine::reactor::Timer;
use crate::engine::reaper::{ChildChanges, OrphanScan};
use crate::engine::unowned_children::{Left, UnownedChildren};
use crate::logs::now_in_ms;
use crate::restart_policy::Exit;
use daemonize_sys::pidfd;
use daemonize_sys::wait::{self, Change, Ended};
use std::time::Instant;

impl Supervisor {
    /// Takes what has become of all children.
    pub(in crate::engine) fn take_changes_of_children(&mut self) {
        let is_starting = |pid| self.starts.has_child(pid) || self.auxiliaries.is_starting(pid);
        let changes = self.children.take_changes(&mut self.units, &is_starting);
        self.apply_changes(changes);
    }

    /// Takes what has become of the process of a bot.
    pub(in crate::engine) fn take_changes_of(&mut self, index: usize) {
        let mut changes = ChildChanges::default();
        if let Some(process) = self.units[index].living_process() {
            self.children.processes.take_changes(process.pid, &mut changes.bots);
        }
        self.apply_changes(changes);
    }

    fn apply_changes(&mut self, changes: ChildChanges) {
        for (index, change) in changes.bots {
            match change {
                Change::Ended(ended) => self.ended(index, ended),
                Change::Suspended => self.on(index, BotEvent::SuspensionChanged(true)),
                Change::Continued => self.on(index, BotEvent::SuspensionChanged(false)),
            }
        }
        for (pid, ended) in changes.auxiliary {
            self.auxiliary_ended(pid, ended);
        }
        self.unsettled.changed.extend(changes.lost_survivors);
        if changes.has_more {
            self.reactor.set_timer(Instant::now(), Timer::Children);
        }
    }

    fn ended(&mut self, index: usize, ended: Ended) {
        let exit = match ended {
            Ended::Status(status) => Exit::Status(status),
            Ended::Signal(signal) => Exit::Signal(signal),
        };
        self.drain_output(index);
        self.record_exit(index, exit);
        let unit = &self.units[index];
        let Some(process) = &unit.process else { return };
        // By number its group cannot be told from its zombie, which has to stay: the look for orphans does that.
        let has_group = !pidfd::knows_groups_by_number() && process.handle.has_group(process.pid);
        self.reactor.unwatch(&process.handle);
        log::info!("bot `{}` (process {}) ended by {exit}", unit.bot.name, process.pid);
        self.end_run(index, exit);
        self.on(index, BotEvent::Ended { exit, has_group });
    }

    /// Notes the end of a run, and tells those that follow the bot's log.
    fn end_run(&mut self, index: usize, exit: Exit) {
        let unit = &mut self.units[index];
        if let Some(run) = unit.runs.end(&exit.to_string(), now_in_ms()) {
            self.streams.followers.send_end(index, &unit.bot, run);
        }
    }

    /// Looks for orphans of all bots whose process is gone, if that is due.
    pub(in crate::engine) fn look_for_orphans(&mut self) {
        let begin = Instant::now();
        if self.children.next_look().is_none_or(|at| at > begin) {
            return;
        }
        self.now = begin;
        self.children.release_reserve();
        if self.children.has_signal() {
            // A child that is dead already is reaped first, so that it does not make this look inconclusive.
            self.take_changes_of_children();
        }
        let is_starting = |pid| self.starts.has_child(pid) || self.auxiliaries.is_starting(pid);
        let OrphanScan { changes, gone, left } = self.children.look(begin, &mut self.units, &is_starting);
        self.apply_changes(changes);
        for index in left {
            self.on(index, BotEvent::LeftProcesses);
        }
        for index in gone {
            self.on(index, BotEvent::Gone);
        }
    }

    /// Returns `true` if a bot is not down, or anything is left of one.
    pub(in crate::engine) fn has_work(&self) -> bool {
        self.has_unsettled()
            || !self.auxiliaries.is_idle()
            || !(self.children.processes.is_empty() && self.children.orphans.is_idle())
            || self.units.values().any(|unit| !unit.state().is_down())
    }

    /// Ends outsiders. Returns `true` if none is left.
    pub(in crate::engine) fn is_alone(&mut self, outsiders: &mut UnownedChildren, is_urgent: bool) -> bool {
        if !wait::has_children() {
            return true;
        }
        self.children.release_reserve();
        let left = outsiders.end(Instant::now(), is_urgent);
        self.children.refill_reserve();
        if let Left::Some { next } = left {
            if let Some(next) = next {
                self.reactor.set_timer(next, Timer::Shutdown);
            }
            return false;
        }
        // A process that has died meanwhile may have left a child that the list lacks: its death is handled first.
        let is_dead = self.children.has_dead(&|pid| self.starts.has_child(pid) || self.auxiliaries.is_starting(pid));
        if is_dead {
            self.reactor.set_timer(Instant::now(), Timer::Children);
        }
        !is_dead && !self.children.has_signal()
    }
}
