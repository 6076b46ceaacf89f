//! Children that are no bots: what bots left behind, which this process adopts as their subreaper.

use super::Engine;
use crate::process::{self, Facts};
use crate::status::State;
use crate::sys::pidfd;
use crate::sys::wait::{self, Change};
use daemonize_core::{Pid, Signal};
use nix::sys::signal::kill;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The look for strays may take this part of the time: a quarter.
const SHARE: u32 = 4;

/// So far the looks may be ahead of their share: who looks now and then need not wait.
const AHEAD: Duration = Duration::from_millis(20);

/// So often a look is repeated when children end while it looks; then it looks at all processes there are.
const TRIES: u32 = 3;

/// So long those may take to end of whom nobody knows which bot has started them.
const OUTSIDE: Duration = Duration::from_secs(2);

/// So many children that have changed are asked for one by one; each time the kernel looks through all that have not.
const ONE_BY_ONE: u32 = 16;

/// So many dead are buried per turn: nobody waits for the rest of them.
const AT_ONCE: usize = 512;

/// Not a bot's moment: children are left that have changed.
pub(super) const MORE_CHILDREN: (usize, u32) = (usize::MAX, 1);

/// When strays were looked for, and what it cost.
pub(super) struct Looks {
    /// When all looks so far have had their share of the time.
    paid: Instant,
    tries: u32,
}

impl Looks {
    pub(super) fn new(now: Instant) -> Looks {
        Looks { paid: now, tries: 0 }
    }
}

/// A descriptor that is held for when none is left.
pub(super) fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Sends a signal to a child that was not reaped, so that its number is its own; it hears of it even if it is suspended.
pub(super) fn signal(child: Pid, signal: Signal) {
    let child = nix::unistd::Pid::from_raw(child.as_raw());
    for number in [signal.as_raw(), Signal::SIGCONT.as_raw()] {
        let _ = nix::sys::signal::Signal::try_from(number).map(|signal| kill(child, signal));
    }
}

/// Has SIGCHLD make a socket readable, beside whatever else is registered for it.
pub(super) fn listen() -> io::Result<UnixStream> {
    let (ours, signals) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    signals.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(Signal::SIGCHLD.as_raw(), signals)?;
    Ok(ours)
}

impl Engine {
    /// Some children have changed: bots, and those that bots left behind.
    pub(super) fn take_changes_of_children(&mut self) {
        while matches!((&self.child_signals).read(&mut [0; 64]), Ok(1..)) {}
        if pidfd::knows_groups_by_number() {
            // Those that are kept as zombies would be told again and again.
            self.look = true;
            return self.take_changes_behind();
        }
        for _ in 0..ONE_BY_ONE {
            let Some(pid) = wait::peek_any() else { return };
            // Somebody who dies may be the last of a bot that is being stopped.
            self.look = true;
            match self.pids.get(&pid) {
                Some(index) => self.take_change(*index),
                // Its session is its own only when it is known as a newborn one.
                None if process::is_of_our_session(pid) || self.is_newborn(pid) => {
                    // Somebody else in this program has started it, and waits for it.
                    return self.take_changes_behind();
                }
                None => drop(self.bury(pid)),
            }
        }
        self.take_changes_behind();
    }

    /// Reaps a child that is no bot, if it is dead: from then on its number may be anybody's. Whether it was.
    fn bury(&mut self, pid: Pid) -> bool {
        let is_dead = matches!(wait::take(pid), Ok(Some(Change::Ended(_))));
        if is_dead {
            for index in &self.lingering {
                if let Some(unit) = &mut self.units[*index].value {
                    unit.strays.retain(|stray| *stray != pid);
                }
            }
        }
        is_dead
    }

    /// Where many have changed, or a child of somebody else is in the way, each is asked for by number; but whoever leaves
    /// more dead behind than can be buried at once keeps nobody else waiting.
    fn take_changes_behind(&mut self) {
        let mut buried = 0;
        for pid in process::child_pids() {
            match self.pids.get(&pid) {
                Some(index) => self.take_change(*index),
                None if buried == AT_ONCE => {}
                None if process::is_of_our_session(pid) || self.is_newborn(pid) => {}
                None => buried += usize::from(self.bury(pid)),
            }
        }
        let is_left = || wait::peek_any().is_some_and(|pid| !process::is_of_our_session(pid) && !self.is_newborn(pid));
        if buried == AT_ONCE || (!pidfd::knows_groups_by_number() && is_left()) {
            self.timers.set(Instant::now(), MORE_CHILDREN);
        }
    }

    /// Whether nobody is left whom bots have started, once all bots are down: who has neither their mark nor their session
    /// is nobody's in particular, and goes at the very end. What this program itself has started is of its session.
    pub(super) fn is_alone(&mut self) -> bool {
        if !wait::has_children() {
            return true;
        }
        // Room for the files of `/proc`, where no descriptor is left.
        self.reserve = None;
        let is_outside = |facts: &Facts| facts.is_alive && !process::is_of_our_session(facts.pid);
        let outside: Vec<Pid> = process::children_of_all(|_| true)
            .iter()
            .filter(|facts| is_outside(facts))
            .map(|facts| facts.pid)
            .collect();
        self.reserve = reserve();
        if outside.is_empty() {
            // Whoever has died meanwhile may have left us somebody whom the list lacks; we shall hear of that death.
            return !self.has_child_signal();
        }
        let Some(shutdown) = self.shutdown.as_mut() else { return true };
        let now = Instant::now();
        let begin = *shutdown.outside.get_or_insert(now);
        let is_urgent = shutdown.deadline.is_none() || now >= begin + OUTSIDE;
        let chosen = if is_urgent { Signal::SIGKILL } else { Signal::SIGTERM };
        for pid in outside {
            if shutdown.told.insert((pid, chosen)) {
                log::warn!("process {pid} was left behind by some bot and is sent {chosen}");
                signal(pid, chosen);
            }
        }
        if !is_urgent {
            self.timers.set(begin + OUTSIDE, (usize::MAX, 0));
        }
        false
    }

    /// Finds out of all bots whose process is gone whether anybody is left: with one look for all of them.
    pub(super) fn look_for_leavers(&mut self) {
        if !self.look {
            return;
        }
        let begin = Instant::now();
        if self.looks.paid > begin + AHEAD {
            // Rounded up by a timer: when it comes, the look may be.
            let wait = self.looks.paid.saturating_duration_since(begin).saturating_sub(AHEAD);
            return self.timers.set(begin + wait, (usize::MAX, 0));
        }
        self.now = begin;
        // Where no descriptor is left, this one makes room for the files of `/proc`, one at a time.
        self.reserve = None;
        if self.has_child_signal() {
            // Whoever is dead already makes no look unsure.
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
                self.stop_group(index);
            }
        }
        self.look = false;
        if !leaving.is_empty() {
            self.look_for_strays(&leaving);
        }
        self.reserve = reserve();
        let end = Instant::now();
        self.looks.paid = self.looks.paid.max(begin) + end.saturating_duration_since(begin) * SHARE;
        if self.look {
            self.timers.set(end, (usize::MAX, 0));
        }
    }

    fn look_for_strays(&mut self, leaving: &[usize]) {
        let unknown = |pid: Pid| !self.pids.contains_key(&pid);
        let all = if self.looks.tries < TRIES { process::children(unknown) } else { process::children_of_all(unknown) };
        let all: Vec<Facts> = all.into_iter().filter(|facts| !self.is_newborn(facts.pid)).collect();
        let is_sure = self.looks.tries >= TRIES || !self.has_child_signal();
        self.looks.tries = if is_sure { 0 } else { self.looks.tries + 1 };
        self.find_strays(leaving, &all);
        let alone: Vec<usize> = leaving.iter().filter(|index| self.unit(**index).strays.is_empty()).copied().collect();
        self.look |= !alone.is_empty() && !is_sure;
        for index in leaving {
            let unit = self.unit(*index);
            if !unit.strays.is_empty() && unit.state != State::Stopping {
                // It ended by itself, but not with all that it started.
                self.stop_group(*index);
            }
        }
        for index in alone.into_iter().filter(|_| is_sure) {
            self.gone(index);
        }
    }

    /// Whether a child has died since the last time that we reaped: a list of children made meanwhile may lack some.
    fn has_child_signal(&self) -> bool {
        use nix::sys::socket::{MsgFlags, recv};
        use std::os::fd::AsRawFd;
        recv(self.child_signals.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT).is_ok()
    }

    /// Finds those children that belong to bots which are leaving, and sends new ones the signal of their step.
    fn find_strays(&mut self, leaving: &[usize], all: &[Facts]) {
        let sessions =
            leaving.iter().filter_map(|index| Some((self.unit(*index).process.as_ref()?.pid.as_raw(), *index)));
        let sessions: HashMap<i32, usize> = sessions.collect();
        let mut found: HashMap<usize, Vec<Pid>> = HashMap::new();
        for facts in all.iter().filter(|facts| facts.is_alive) {
            // The mark first: it is of one bot for ever, while the number of a session may come again.
            let owner = self.owner(facts.pid).or_else(|| sessions.get(&facts.session).copied());
            if let Some(index) = owner {
                found.entry(index).or_default().push(facts.pid);
            }
        }
        for index in leaving {
            let (signal, _) = self.step(*index);
            let unit = self.unit_mut(*index);
            let strays = found.remove(index).unwrap_or_default();
            unit.strays.retain(|stray| strays.contains(stray));
            for pid in strays {
                if !unit.strays.contains(&pid) {
                    self::signal(pid, signal);
                    unit.strays.push(pid);
                }
            }
        }
    }

    /// Returns the bot of which a process proves by its environment that it belongs to it.
    pub(super) fn owner(&mut self, pid: Pid) -> Option<usize> {
        let marks = self.marks.marks(pid).filter(|marks| marks.monitor == *self.journal.secret())?;
        let index = self.names.get(&*marks.bot).copied()?;
        (self.unit(index).secret.as_ref() == Some(&marks.secret)).then_some(index)
    }

    /// A moment that is not a bot's: the next look may be, or everything has had its time.
    pub(super) fn out_of_patience(&mut self, at: Instant) {
        if let Some(deadline) = self.shutdown.as_ref().and_then(|shutdown| shutdown.deadline) {
            if deadline <= at {
                self.kill_all();
            }
        }
    }
}
