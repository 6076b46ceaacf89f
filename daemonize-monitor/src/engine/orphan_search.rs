//! The search for orphans: descendants of bots that have left the process group of their bot, and that the kernel has
//! reparented to the monitor, their subreaper (`PR_SET_CHILD_SUBREAPER` in `prctl(2)`).
//!
//! An orphan is known by the secret in its environment, or by its session. One that dies before it is looked at can have
//! left another one, which a list of children made meanwhile may lack: then nothing is known of the bots that may have
//! started it, and they are looked at again. So the search for a process that forks and exits in a
//! loop goes on until the process is found, and its bot is not reported as stopped before.
//!
//! A child without the secret and the session of a bot cannot be told to be an orphan of it. It may be the daemon of a program
//! that daemonizes itself and writes over its environment. It is not signalled, since it may be of another bot, or of the
//! program that the monitor is a part of; but a bot that may have started it is not called stopped without a word about it:
//! it is a possible survivor of the bot, and ends with the monitor.

mod owners;

use super::bot_table::BotTable;
use super::process_table::{ProcessTable, signal_child};
use super::supervised_bot::{Process, SupervisedBot};
use crate::process::{self, Facts, MarkReader};
use crate::secret::Secret;
use daemonize_core::{Pid, Signal};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// The number of looks in a row that may be inconclusive by chance. After more of them, a process is taken to fork and
/// exit all the time.
const MAX_CHANCE_MISSES: u32 = 12;

/// How much older than its bot a process may seem: the kernel counts its age in ticks of 10 ms.
pub(super) const AGE_TOLERANCE: Duration = Duration::from_millis(50);

/// The search for orphans of one bot, whose process has ended.
#[derive(Debug, Default)]
struct Search {
    /// Orphans that were found. They are our children, and leave this list when they are reaped: until then their numbers are
    /// theirs, without a descriptor that might not be had.
    orphans: Vec<Pid>,
    /// A child that may have been a descendant died during the last look, and may have left another one.
    is_unsure: bool,
    /// Looks in a row that have found nothing out for that reason.
    misses: u32,
}

/// The outcome of a look at one bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Orphans,
    /// Something that forks and exits all the time; another look is needed.
    ForkLoop,
    /// Perhaps something: another look is needed.
    Unsure,
}

/// The bot to which a child belongs.
enum Owner {
    Bot(usize),
    None,
    /// It was started by an auxiliary command.
    Auxiliary,
    /// The child executes a program just now; the next look finds out.
    NotYetKnown,
}

/// See the module.
pub(super) struct OrphanSearch {
    /// The secret of this monitor, which all its bots have in their environment.
    pub(super) secret: Secret,
    searches: BTreeMap<usize, Search>,
    /// The bots of children that have proved whose they are, until they are reaped.
    owners: HashMap<Pid, usize>,
    pub(super) marks: MarkReader,
    /// The children that are possible survivors of bots, until they are reaped.
    survivors: BTreeSet<Pid>,
}

impl OrphanSearch {
    pub(super) fn new(secret: Secret) -> OrphanSearch {
        let (searches, owners) = (BTreeMap::new(), HashMap::new());
        OrphanSearch { secret, searches, owners, marks: MarkReader::default(), survivors: BTreeSet::new() }
    }

    /// Begins a search for orphans of a bot, unless one goes on.
    pub(super) fn search(&mut self, bot: usize) {
        self.searches.entry(bot).or_default();
    }

    /// Ends the search of a bot of which nothing is left.
    pub(super) fn end_search(&mut self, bot: usize) {
        self.searches.remove(&bot);
        self.owners.retain(|_, owner| *owner != bot);
    }

    /// Returns the bots whose orphans are searched for.
    pub(super) fn searched(&self) -> impl Iterator<Item = usize> {
        self.searches.keys().copied()
    }

    /// Returns `true` if no search goes on.
    pub(super) fn is_idle(&self) -> bool {
        self.searches.is_empty()
    }

    /// Returns the orphans of a bot that were found.
    pub(super) fn of_bot(&self, bot: usize) -> &[Pid] {
        self.searches.get(&bot).map_or(&[], |search| &search.orphans)
    }

    /// Sends a signal to the orphans of a bot that were found.
    pub(super) fn signal(&self, bot: usize, signal: Signal) {
        for orphan in self.of_bot(bot) {
            signal_child(*orphan, signal);
        }
    }

    /// Returns `true` if something of a bot forks and exits faster than it can be found.
    pub(super) fn is_fork_loop(&self, bot: usize) -> bool {
        self.searches.get(&bot).is_some_and(|search| search.misses > MAX_CHANCE_MISSES)
    }

    /// Finds the orphans of these bots among the children, and sends new ones the signal of their bot's stop at once: they may
    /// be gone a moment later. `skips` tells which children are not looked at.
    pub(super) fn find(
        &mut self,
        bots: &[usize],
        units: &mut BotTable,
        processes: &ProcessTable,
        skips: impl Fn(Pid) -> bool,
    ) {
        let session = |bot: &usize| Some((units[*bot].process.as_ref()?.pid.as_raw(), *bot));
        let sessions: HashMap<i32, usize> = bots.iter().filter_map(session).collect();
        let mut unowned = Vec::new();
        let mut found: HashMap<usize, Vec<Pid>> = bots.iter().map(|bot| (*bot, Vec::new())).collect();
        for bot in bots {
            self.searches.entry(*bot).or_default().is_unsure = false;
        }
        for pid in process::child_pids() {
            if processes.contains(pid) || skips(pid) {
                continue;
            }
            let bot = match self.owner_of_child(pid, &sessions, units, processes) {
                Owner::Bot(bot) => bot,
                Owner::None => {
                    unowned.push(pid);
                    continue;
                }
                Owner::Auxiliary | Owner::NotYetKnown => continue,
            };
            let Some(orphans) = found.get_mut(&bot) else { continue };
            orphans.push(pid);
            let unit = &mut units[bot];
            // It may be dead and reaped before anything else looks.
            unit.bot_state.note_left_processes();
            if !self.of_bot(bot).contains(&pid) {
                signal_child(pid, unit.bot_state.current_step(&unit.bot).0);
            }
        }
        self.note_survivors(bots, &unowned, units, processes);
        for (bot, orphans) in found {
            self.searches.entry(bot).or_default().orphans = orphans;
        }
    }

    /// Returns what the last look has found of a bot. `is_complete`: no child has died of which that look does not know.
    pub(super) fn outcome(&mut self, bot: usize, is_complete: bool) -> Found {
        let Some(search) = self.searches.get_mut(&bot) else { return Found::Nothing };
        let is_unsure = search.orphans.is_empty() && (search.is_unsure || !is_complete);
        search.misses = search.misses.saturating_add(u32::from(is_unsure));
        if !search.orphans.is_empty() {
            Found::Orphans
        } else if !is_unsure {
            Found::Nothing
        } else if search.misses <= MAX_CHANCE_MISSES {
            Found::Unsure
        } else {
            Found::ForkLoop
        }
    }

    /// Returns the bots that may have started a child, dead or alive, out of those that are searched for.
    pub(super) fn suspects(&self, pid: Pid, units: &BotTable, processes: &ProcessTable) -> Vec<usize> {
        if self.searches.is_empty() {
            return Vec::new();
        }
        let has = |bot: usize, holds: &dyn Fn(&Process) -> bool| {
            units.get(bot).and_then(|unit| unit.process.as_ref()).is_some_and(holds)
        };
        let only = |bot: usize| self.searched().filter(|other| *other == bot).collect();
        if let Some(bot) = self.owners.get(&pid) {
            return only(*bot);
        }
        let session = process::session(pid);
        if let Some(bot) = session.and_then(|session| processes.bot(session)) {
            return only(bot);
        }
        if let Some(bot) = self.searched().find(|bot| has(*bot, &|process| Some(process.pid) == session)) {
            return vec![bot];
        }
        let user = process::user(pid);
        let is_its_user = |bot: usize| has(bot, &|process| Some(process.user) == user);
        // A user that no bot has is one that some bot has become, or a program with more rights.
        let is_known = units.all().any(is_its_user);
        self.searched().filter(|bot| !is_known || is_its_user(*bot)).collect()
    }

    /// Notes that a look was in vain for these bots.
    pub(super) fn doubt(&mut self, bots: &[usize]) {
        for bot in bots {
            if let Some(search) = self.searches.get_mut(bot) {
                search.is_unsure = true;
            }
        }
    }

    /// Forgets a child that was reaped: from then on its number may be another process's. Returns the bots that have lost a
    /// possible survivor by that.
    pub(super) fn forget(&mut self, pid: Pid, units: &mut BotTable) -> Vec<usize> {
        self.owners.remove(&pid);
        for search in self.searches.values_mut() {
            search.orphans.retain(|orphan| *orphan != pid);
        }
        if !self.survivors.remove(&pid) {
            return Vec::new();
        }
        let all: Vec<usize> = units.all().collect();
        all.into_iter().filter(|bot| units[*bot].bot_state.forget_survivor(pid)).collect()
    }

    /// Notes which of these children, which are of no bot for certain, may be of bots that are searched for.
    fn note_survivors(&mut self, bots: &[usize], children: &[Pid], units: &mut BotTable, processes: &ProcessTable) {
        let is_of_a_bot = |facts: &Facts| Pid::from_raw(facts.session).is_some_and(|pid| processes.contains(pid));
        // Each is noted once: it is more likely of a bot that ended when it was first seen than of one that is stopped later.
        let new = children.iter().filter(|pid| !self.survivors.contains(pid));
        let alive = new.filter_map(|pid| Facts::of(*pid)).filter(|facts| facts.is_alive && !is_of_a_bot(facts));
        let found: Vec<(Pid, Option<u32>, Duration)> =
            alive.map(|facts| (facts.pid, process::user(facts.pid), facts.age())).collect();
        for bot in bots {
            let SupervisedBot { process, bot_state, .. } = &mut units[*bot];
            // Without a process it keeps what was noted when that ended.
            let (Some(process), Some(began)) = (process, bot_state.began()) else { continue };
            let longest = began.elapsed() + AGE_TOLERANCE;
            // A bot of root may have become any user.
            let is_its_user = |user: Option<u32>| process.user == 0 || user == Some(process.user);
            let survivor = found.iter().find(|(_, user, age)| is_its_user(*user) && *age <= longest);
            self.survivors.extend(bot_state.note_survivor(survivor.map(|(pid, ..)| *pid)));
        }
    }
}
