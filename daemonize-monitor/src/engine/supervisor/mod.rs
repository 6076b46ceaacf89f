//! The supervisor: owns the bots and all that belongs to them, hands events to their states, and carries out the actions that
//! these answer with.
//!
//! It knows neither commands nor the configuration, which [`Engine`](super::Engine) has.

mod actions;
mod auxiliary;
mod cgroup_limits;
mod checks;
mod child_changes;
mod exits;
mod freeze;
mod hooks;
mod inquiries;
mod listen;
mod memory_limit;
mod pending_starts;
mod probes;
mod readiness;
mod rolling;
mod scheduled_bots;
mod schedules;
mod start;
mod start_stop_order;
mod stop_signals;

use crate::bot::Bot;
use crate::engine::auxiliary::Auxiliaries;
use crate::engine::bot_cgroups::BotCgroups;
use crate::engine::bot_state::BotEvent;
use crate::engine::bot_table::BotTable;
use crate::engine::memory_watch::MemoryWatch;
use crate::engine::output::BotOutput;
use crate::engine::reactor::Reactor;
use crate::engine::reaper::Reaper;
use crate::engine::rolling::Roll;
use crate::engine::slab::Key;
use crate::engine::subscribers::Subscribers;
use crate::engine::supervised_bot::SupervisedBot;
use crate::engine::token::Token;
use crate::notify;
use crate::process_journal::ProcessJournal;
use crate::settings::Webhook;
use crate::spawner::Spawner;
use crate::status::Change;
use crate::webhook::{UndeliveredReports, WebhookSender};
use inquiries::Inquiries;
use nix::sys::epoll::EpollFlags;
use pending_starts::Starts;
use probes::Probes;
use scheduled_bots::ScheduledBots;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// See the module.
pub(super) struct Supervisor {
    pub(super) reactor: Reactor,
    pub(super) units: BotTable,
    pub(super) streams: BotOutput,
    pub(super) subscribers: Subscribers,
    pub(super) journal: ProcessJournal,
    children: Reaper,
    spawner: Spawner,
    starts: Starts,
    probes: Probes,
    /// Rolling restarts, by family.
    rolls: BTreeMap<String, Roll>,
    /// The instance that has stopped the last roll of a family, and why: a command may ask for that later.
    failed_rolls: BTreeMap<String, (Key, String)>,
    schedules: ScheduledBots,
    memory: MemoryWatch,
    cgroups: BotCgroups,
    auxiliaries: Auxiliaries,
    inquiries: Inquiries,
    /// When it was last looked for what auxiliary commands have left behind.
    leftovers_sought: Instant,
    /// Reports to the address of the monitor, and what it was started for.
    webhook: Option<(Webhook, WebhookSender)>,
    undelivered_reports: UndeliveredReports,
    unsettled: Unsettled,
    /// The longest time that a stop of everything takes.
    pub(super) stop_timeout: Duration,
    /// No bot starts any more.
    is_shutting_down: bool,
    /// The shutdown kills everything that is left.
    is_killing: bool,
    /// The time of this turn.
    pub(super) now: Instant,
    chance: u64,
}

/// Bots that have changed, where it was not looked yet what follows from that for others.
#[derive(Default)]
struct Unsettled {
    /// Their state or reason may be another one.
    changed: Vec<usize>,
    /// They are marked to stop, and perhaps no dependent holds them any more.
    released: Vec<usize>,
    /// Some bots were removed.
    has_removed: bool,
}

impl Supervisor {
    /// Makes a supervisor without bots. Without `sockets` no bot can say that it is ready.
    pub(super) fn new(
        reactor: Reactor,
        children: Reaper,
        journal: ProcessJournal,
        spawner: Spawner,
        sockets: Option<notify::Directory>,
        cgroups: BotCgroups,
        stop_timeout: Duration,
    ) -> Supervisor {
        let memory = MemoryWatch::new(journal.secret().clone(), spawner.wakeup());
        Supervisor {
            reactor,
            units: BotTable::default(),
            children,
            streams: BotOutput::default(),
            subscribers: Subscribers::default(),
            journal,
            spawner,
            starts: Starts::default(),
            probes: Probes::new(sockets),
            rolls: BTreeMap::new(),
            failed_rolls: BTreeMap::new(),
            schedules: ScheduledBots::default(),
            memory,
            cgroups,
            auxiliaries: Auxiliaries::default(),
            inquiries: Inquiries::default(),
            leftovers_sought: Instant::now(),
            webhook: None,
            undelivered_reports: UndeliveredReports::default(),
            unsettled: Unsettled::default(),
            stop_timeout,
            is_shutting_down: false,
            is_killing: false,
            now: Instant::now(),
            chance: u64::from(std::process::id()) << 32 | 0x9E37_79B9,
        }
    }

    /// Watches what tells of children, and of answers to look-ups.
    pub(super) fn listen(&self) -> nix::Result<()> {
        self.reactor.watch(self.children.signals(), Token::Children, EpollFlags::EPOLLIN)?;
        self.reactor.watch(self.spawner.wakeup(), Token::Answers, EpollFlags::EPOLLIN)
    }

    /// Starts no bot from now on. Hooks go on: what a bot reports by them may be why the monitor stops.
    pub(super) fn begin_shutdown(&mut self) {
        self.dissolve_rolls();
        self.is_shutting_down = true;
        self.starts.clear_queue();
        self.cancel_auxiliaries(|_, purpose| !purpose.is_hook());
    }

    /// Adds a bot, which does not run yet; [`connect`](Supervisor::connect) comes after it.
    pub(super) fn add(&mut self, bot: Arc<Bot>, temporary: bool) -> usize {
        self.units.add(bot, temporary, self.now)
    }

    /// Gives a bot in no configuration the specification and the name of one in the configuration.
    pub(super) fn rename(&mut self, index: usize, bot: Arc<Bot>) {
        let old = self.units[index].bot.name.clone();
        self.units.rename(index, bot);
        self.subscribers.send(&Change::Removed(old));
        self.unsettled.changed.push(index);
    }

    /// Removes a bot of which nothing is left.
    fn remove(&mut self, index: usize) {
        self.publish(index);
        let key = self.units.key(index);
        self.end_hooks(|bot| bot == key, "the bot was removed");
        self.cancel_auxiliaries(|bot, _| bot == key);
        let Some(SupervisedBot { bot, dependencies, dependents, .. }) = self.units.remove(index) else { return };
        self.unsettled.has_removed = true;
        self.subscribers.send(&Change::Removed(bot.name.clone()));
        self.starts.unqueue(index);
        self.streams.followers.drop_of(index);
        self.cgroups.remove(index);
        // Their name may mean others by now. No other bot's dependencies can have changed.
        self.units.connect(&dependents);
        self.begin_unblocked(&dependents);
        // Not here and now: a chain of ten thousand bots that do not run would be as many calls within each other.
        self.unsettled.released.extend(dependencies);
    }

    /// Tells subscribers of a bot.
    fn publish(&mut self, index: usize) {
        if !self.subscribers.is_empty() {
            let status = self.units[index].status(self.now);
            self.subscribers.send(&Change::Bot(Box::new(status)));
        }
    }

    /// Handles the timer of a bot, which may have been set for another purpose than the present one.
    pub(super) fn take_timer(&mut self, key: Key, at: Instant) {
        if !self.units.contains(key) {
            return;
        }
        if self.units[key.index].probe.as_deref().is_some_and(|(moment, _)| *moment == at) {
            self.probe(key.index);
        } else {
            self.on(key.index, BotEvent::TimerFired(at));
        }
    }

    /// Reads a pipe of a bot.
    pub(super) fn take_piece(&mut self, key: Key) {
        if let Some(bot) = self.streams.read(key, &mut self.units, &self.reactor, self.now) {
            self.on(bot, BotEvent::Ready);
        }
    }

    /// Sends the output of these bots where their specifications say, which may have changed.
    pub(super) fn retarget(&mut self, bots: &BTreeSet<usize>) {
        self.streams.retarget(bots, &mut self.units);
    }

    /// Returns how long nothing is due; `None` if nothing will be. Computed from what is left to do, and not from who has left
    /// it: a step of a turn may queue work for a step that comes before it, which nothing else would wake the loop for.
    pub(super) fn timeout(&self) -> Option<Duration> {
        if self.starts.has_due() || self.auxiliaries.has_due() || self.has_unsettled() {
            return Some(Duration::ZERO);
        }
        // Not the time of this turn: starting programs has taken some.
        let now = Instant::now();
        let times =
            [self.journal.retry_at(), self.children.next_look()].map(|at| Some(at?.saturating_duration_since(now)));
        times.into_iter().chain([self.reactor.time_to_next(now)]).flatten().min()
    }

    /// Returns a number from 0 to 1, for jitter only (xorshift).
    #[allow(clippy::cast_precision_loss)] // 53 bits have room.
    fn chance(&mut self) -> f64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 11) as f64 / (1_u64 << 53) as f64
    }
}
