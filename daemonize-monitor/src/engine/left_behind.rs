//! Processes that a bot may have left behind, but that cannot be told to be its own: a child of the monitor without the bot's secret and session.
//!
//! It may be the daemon of a program that daemonizes itself and writes over its environment. It is not signalled, since it
//! may be of another bot, or of the program that the monitor is a part of; but a bot that may have started it is not
//! called stopped without a word about it. It ends with the monitor.

use super::Engine;
use super::unit::Unit;
use crate::policy::Exit;
use crate::process::{self, Facts};
use daemonize_core::Pid;
use std::time::Duration;

/// How much older than its bot a process may seem: the kernel counts its age in ticks of 10 ms.
const TOLERANCE: Duration = Duration::from_millis(50);

impl Engine {
    /// Notes which of these children, which are of no bot for certain, may be of bots that are leaving.
    pub(super) fn note_survivors(&mut self, leaving: &[usize], children: &[Pid]) {
        let is_of_a_bot = |facts: &Facts| Pid::from_raw(facts.session).is_some_and(|pid| self.pids.contains_key(&pid));
        // Each is told of once: it is more likely of a bot that ended when it was first seen than of one that is stopped later.
        let new = children.iter().filter(|pid| !self.survivors.contains(pid));
        let alive = new.filter_map(|pid| Facts::of(*pid)).filter(|facts| facts.is_alive && !is_of_a_bot(facts));
        let found: Vec<(Pid, Option<u32>, Duration)> =
            alive.map(|facts| (facts.pid, process::user(facts.pid), facts.age())).collect();
        for index in leaving {
            let unit = self.unit_mut(*index);
            // Without a process it keeps what was noted when that ended.
            let Some(process) = &unit.process else { continue };
            let longest = process.began.elapsed() + TOLERANCE;
            // A bot of root may have become any user.
            let is_its_user = |user: Option<u32>| process.user == 0 || user == Some(process.user);
            let survivor = found.iter().find(|(_, user, age)| is_its_user(*user) && *age <= longest);
            unit.survivor = unit.survivor.or(survivor.map(|(pid, ..)| *pid));
            let noted = unit.survivor;
            self.survivors.extend(noted);
        }
    }

    /// A child has been reaped that may have been a survivor of bots.
    pub(super) fn forget_survivor(&mut self, pid: Pid) {
        if !self.survivors.remove(&pid) {
            return;
        }
        for index in self.names.values() {
            let unit = self.units[*index].value.as_mut();
            if unit.and_then(|unit| unit.survivor.take_if(|survivor| *survivor == pid)).is_some() {
                self.changed.push(*index);
            }
        }
    }
}

impl Unit {
    /// Returns the reason of its state, and what may be left of it.
    pub(super) fn told_reason(&self) -> Option<String> {
        let survivor = self.survivor.map(|pid| {
            format!(
                "process {pid} lives on, which it may have started: that has left its session and cleared its environment"
            )
        });
        let parts: Vec<String> = self.reason.as_deref().map(str::to_owned).into_iter().chain(survivor).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// Returns what to say of a program that ended with success and left processes.
    pub(super) fn hint(&self, exit: Exit) -> Option<&'static str> {
        let has_left = exit.is_success() && (self.has_left_processes || self.survivor.is_some());
        has_left.then_some(
            "it left processes behind: if it is a daemon that goes to the background, have it stay in the foreground",
        )
    }
}
