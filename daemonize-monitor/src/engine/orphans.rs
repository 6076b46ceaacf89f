//! The processes that are left of a bot whose own process has ended: members of its group, and orphans, which have left
//! the group and become children of the monitor, their subreaper.
//!
//! An orphan is known by the secret in its environment, or by its session. One that dies before it is looked at can have
//! left another one, which a list of children made meanwhile may lack: then nothing is known of the bots that may have
//! started it, and they are looked at again. So a process that forks and exits for ever is hunted until it is caught, and
//! no bot is called stopped before that.

use super::{Engine, children};
use crate::process::{self, Environment, Facts, Marks};
use crate::status::State;
use crate::sys::pidfd;
use daemonize_core::Pid;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The looks may take this part of the time: a quarter.
const SHARE: u32 = 4;

/// So far the looks may be ahead of their share: the first look after a pause need not wait.
const AHEAD: Duration = Duration::from_millis(20);

/// The number of looks in a row that may be inconclusive by chance. After more of them, a process is taken to fork and
/// exit all the time.
const CHANCE: u32 = 12;

/// The bot to which a child belongs.
enum Owner {
    Bot(usize),
    None,
    /// The child executes a program just now; the next look finds out.
    NotYetKnown,
}

impl Engine {
    /// Returns when the next look may be.
    pub(super) fn next_look(&self) -> Instant {
        self.looks_paid.checked_sub(AHEAD).unwrap_or(self.looks_paid)
    }

    /// Finds out of all bots whose process is gone whether anything of them is left: with one look for all of them.
    pub(super) fn look_for_leavers(&mut self) {
        if !self.look {
            return;
        }
        let begin = Instant::now();
        if self.looks_paid > begin + AHEAD {
            // Rounded up by a timer: when it comes, the look may be.
            let wait = self.looks_paid.saturating_duration_since(begin).saturating_sub(AHEAD);
            return self.timers.set(begin + wait, (usize::MAX, 0));
        }
        self.now = begin;
        // If the monitor has no free descriptor, the reserved one makes room for the files of `/proc`, one at a time.
        self.reserve = None;
        if self.has_child_signal() {
            // A child that is dead already is reaped first, so that it does not make this look inconclusive.
            self.take_changes_of_children();
        }
        let by_number = pidfd::knows_groups_by_number() && !self.lingering.is_empty();
        let groups = by_number.then(process::groups);
        let is_alone = |index: &usize| {
            let process = self.unit(*index).process.as_ref();
            process.is_none_or(|process| match &groups {
                Some(groups) => !groups.contains(&process.pid.as_raw()),
                None => !process.handle.has_group(process.pid),
            })
        };
        let (leaving, staying): (Vec<usize>, Vec<usize>) = self.lingering.iter().copied().partition(is_alone);
        for index in staying.into_iter().filter(|_| by_number) {
            if self.unit(index).state != State::Stopping {
                self.unit_mut(index).has_left_processes = true;
                self.stop_group(index);
            }
        }
        self.look = false;
        if !leaving.is_empty() {
            self.look_for_orphans(&leaving);
        }
        self.reserve = children::reserve();
        let end = Instant::now();
        self.looks_paid = self.looks_paid.max(begin) + end.saturating_duration_since(begin) * SHARE;
        if self.look {
            self.timers.set(end, (usize::MAX, 0));
        }
    }

    fn look_for_orphans(&mut self, leaving: &[usize]) {
        for index in leaving {
            self.unit_mut(*index).is_unsure = false;
        }
        self.find_orphans(leaving);
        // A child that has died since the list was made is attributed to its bot before its session and user are lost.
        // The kernel is asked: SIGCHLD may not have been handled yet, by whatever thread it was given to.
        let by_number = pidfd::knows_groups_by_number();
        let is_complete = (by_number && !self.has_child_signal()) || self.take_changes_of_children();
        for index in leaving {
            let unit = self.unit_mut(*index);
            let is_unsure = unit.strays.is_empty() && (unit.is_unsure || !is_complete);
            unit.misses = unit.misses.saturating_add(u32::from(is_unsure));
            if unit.strays.is_empty() && !is_unsure {
                self.gone(*index);
                continue;
            }
            let is_left = !unit.strays.is_empty() || unit.misses > CHANCE;
            let is_told = unit.state == State::Stopping;
            self.look |= is_unsure;
            if is_left && !is_told {
                // It ended by itself, but not with all that it started.
                self.unit_mut(*index).has_left_processes = true;
                self.stop_group(*index);
            }
        }
    }

    /// Finds the children that belong to bots which are leaving, and sends new ones the signal of their step at once: they
    /// may not be there any more a moment later.
    fn find_orphans(&mut self, leaving: &[usize]) {
        let sessions =
            leaving.iter().filter_map(|index| Some((self.unit(*index).process.as_ref()?.pid.as_raw(), *index)));
        let sessions: HashMap<i32, usize> = sessions.collect();
        let mut unowned = Vec::new();
        let mut found: HashMap<usize, Vec<Pid>> = leaving.iter().map(|index| (*index, Vec::new())).collect();
        for pid in process::child_pids() {
            if self.pids.contains_key(&pid) || process::is_of_our_session(pid) || self.is_newborn(pid) {
                continue;
            }
            let index = match self.owner_of_child(pid, &sessions) {
                Owner::Bot(index) => index,
                Owner::None => {
                    unowned.push(pid);
                    continue;
                }
                Owner::NotYetKnown => continue,
            };
            let Some(orphans) = found.get_mut(&index) else { continue };
            orphans.push(pid);
            // It may be dead and reaped before anything else looks.
            self.unit_mut(index).has_left_processes |= self.unit(index).state != State::Stopping;
            if !self.unit(index).strays.contains(&pid) {
                let (signal, _) = self.step(index);
                children::signal(pid, signal);
            }
        }
        self.note_survivors(leaving, &unowned);
        for (index, orphans) in found {
            self.unit_mut(index).strays = orphans;
        }
    }

    /// Returns the bot to which a living child belongs. The secret counts first: it is of one bot for ever, while the number
    /// of a session may come again.
    fn owner_of_child(&mut self, pid: Pid, sessions: &HashMap<i32, usize>) -> Owner {
        let alive = || Facts::of(pid).filter(|facts| facts.is_alive);
        if let Some(index) = self.owners.get(&pid).copied() {
            return alive().map_or(Owner::None, |_| Owner::Bot(index));
        }
        let mut owner = Owner::None;
        match self.marks.read(pid) {
            Environment::Marked(marks) => {
                if let Some(index) = self.prove(&marks) {
                    self.owners.insert(pid, index);
                    return Owner::Bot(index);
                }
            }
            // In a moment it will have an environment, or will be dead.
            Environment::InTransition => {
                self.doubt(&self.suspects(pid));
                owner = Owner::NotYetKnown;
            }
            Environment::Unmarked => {}
        }
        alive().and_then(|facts| sessions.get(&facts.session).copied()).map_or(owner, Owner::Bot)
    }

    /// Returns the bot of which a process proves by its environment that it belongs to it; check the owner first.
    pub(super) fn owner(&mut self, pid: Pid) -> Option<usize> {
        let marks = self.marks.marks(pid)?;
        self.prove(&marks)
    }

    /// Returns the bot that has this secret, whatever name the process has given itself.
    fn prove(&self, marks: &Marks) -> Option<usize> {
        let has_it = |index: &usize| self.unit(*index).secret.as_ref() == Some(&marks.secret);
        let named = self.names.get(&*marks.bot).copied().filter(has_it);
        let bot = || named.or_else(|| self.names.values().copied().find(has_it));
        (marks.monitor == *self.journal.secret()).then(bot).flatten()
    }

    /// Returns the bots that may have started a child, dead or alive, out of those that are leaving.
    pub(super) fn suspects(&self, pid: Pid) -> Vec<usize> {
        if self.lingering.is_empty() {
            return Vec::new();
        }
        let has = |index: &usize, holds: &dyn Fn(&super::unit::Process) -> bool| {
            self.units[*index].value.as_ref().and_then(|unit| unit.process.as_ref()).is_some_and(holds)
        };
        let only = |index: usize| self.lingering.get(&index).copied().into_iter().collect();
        if let Some(index) = self.owners.get(&pid) {
            return only(*index);
        }
        let session = process::session(pid).and_then(Pid::from_raw);
        if let Some(index) = session.and_then(|session| self.pids.get(&session)) {
            return only(*index);
        }
        let is_its_session = |index: &usize| has(index, &|process| Some(process.pid) == session);
        if let Some(index) = self.lingering.iter().find(|index| is_its_session(index)) {
            return vec![*index];
        }
        let user = process::user(pid);
        let is_its_user = |index: &usize| has(index, &|process| Some(process.user) == user);
        // A user that no bot has is one that some bot has become, or a program with more rights.
        let is_known = self.names.values().any(is_its_user);
        self.lingering.iter().copied().filter(|index| !is_known || is_its_user(index)).collect()
    }

    /// Notes that a look was in vain for these bots.
    pub(super) fn doubt(&mut self, bots: &[usize]) {
        for index in bots {
            if let Some(unit) = &mut self.units[*index].value {
                unit.is_unsure = true;
            }
        }
    }

    /// Says what SIGKILL has not ended of a bot: until that is gone, the bot is not stopped.
    pub(super) fn report_survivors(&mut self, index: usize) {
        let unit = self.unit(index);
        let survivor = unit.process.as_ref().filter(|process| !process.reaped).map(|process| process.pid);
        let reason = match survivor.or(unit.strays.first().copied()) {
            _ if self.is_being_made(index) => return,
            _ if unit.misses > CHANCE => "what it has started forks and exits faster than it can be killed".to_owned(),
            Some(pid) => format!("process {pid} does not end of SIGKILL"),
            None => return,
        };
        if unit.reason.as_deref() != Some(&*reason) {
            log::warn!("bot `{}` is still being stopped: {reason}", unit.bot.name);
            self.set_state(index, State::Stopping, Some(reason));
        }
    }
}
