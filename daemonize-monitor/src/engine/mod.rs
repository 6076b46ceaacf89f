//! The engine: one thread that waits for all there is at once, and never for one thing alone, but for the short moment
//! in which a start comes back that does not hang.
//!
//! Deaths come through pidfds, output and events through pipes, commands through a channel and an eventfd, and what is to
//! happen later sits in a heap of which the first moment bounds the wait: there is no tick. Whatever takes long (a stop,
//! readiness, a backoff) is a state of a bot, not a place in the code, so nothing waits behind anything else. What many
//! bots need at once (the journal, the look for descendants that went astray) is done once per turn for all of them.

mod adopt;
mod children;
mod commands;
mod dependencies;
mod descriptors;
mod explain;
mod inherited;
mod left_behind;
mod life;
mod orphans;
mod probes;
mod reload;
mod restart;
mod shutdown;
mod starts;
mod stop;
mod stray_signals;
mod streams;
mod timers;
mod token;
mod unit;
mod wiring;

use crate::bot::Bot;
use crate::command_queue::CommandReceiver;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::logs::{Follower, Logs};
use crate::notify;
use crate::process::MarkReader;
use crate::program::Ground;
use crate::settings::Settings;
use crate::spawner::{FileVersion, Spawners, Ticket};
use crate::status::State;
use crate::sys::pidfd::PidFd;
use crate::sys::stray::StraySignals;
use daemonize_core::{Pid, Signal};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
pub(crate) use stray_signals::deadly;
use streams::Stream;
use timers::Timers;
use token::{GENERATIONS, Token};
use unit::Unit;
use wiring::Subscriber;

/// So many things are looked at per turn; the kernel takes turns among those that are ready.
const PER_TURN: usize = 128;

/// How long a turn may start programs before it looks at what else there is.
const STARTING: Duration = Duration::from_millis(5);

/// What an engine is made from.
pub(crate) struct Plan {
    pub(crate) config: Config,
    pub(crate) receiver: CommandReceiver,
    /// Where it is written down who runs; nowhere for a monitor that leaves nothing behind.
    pub(crate) journal: Option<PathBuf>,
    /// Signals that do not end the process, unless something in it handles or ignores them already.
    pub(crate) ignored: Vec<Signal>,
    /// Readable when the daemon that this is has been told to stop.
    pub(crate) stopping: Option<BorrowedFd<'static>>,
    /// `true` if no other part of this program has children: then all that are unknown are reaped.
    pub(crate) reaps_all: bool,
    /// Called when every bot that starts by itself was begun.
    pub(crate) ready: Box<dyn FnOnce() -> Result<()>>,
}

/// See the module.
pub(crate) struct Engine {
    epoll: Epoll,
    commands: CommandReceiver,
    spawners: Spawners,
    journal: Journal,
    logs: Logs,
    /// Readable after a SIGCHLD.
    child_signals: UnixStream,
    stray_signals: StraySignals,
    /// When signals are logged again; until then they are only counted.
    stray_signals_again: Option<Instant>,
    stopping: Option<BorrowedFd<'static>>,
    reaps_all: bool,
    ready: Option<Box<dyn FnOnce() -> Result<()>>>,
    settings: Settings,
    /// As configured, each instance by itself: what a reload is compared with.
    bots: Vec<Arc<Bot>>,
    /// A number of a bot stays its own; those of forgotten ones are used again, with another generation.
    units: Vec<Slot<Unit>>,
    free: Vec<usize>,
    names: BTreeMap<Rc<str>, usize>,
    /// Bots by their processes that were not reaped yet.
    pids: HashMap<Pid, usize>,
    streams: Vec<Slot<Stream>>,
    free_streams: Vec<usize>,
    probes: HashMap<usize, OwnedFd>,
    /// Those whose file is on a mount that does not answer.
    looking: BTreeMap<PathBuf, Ticket<Option<FileVersion>>>,
    timers: Timers<(usize, u32)>,
    /// Bots whose programs are to be started.
    starting: VecDeque<usize>,
    /// Those whose starts hang.
    making: BTreeMap<usize, starts::Making>,
    /// Starts that hang, and that nobody wants any more: they still take a thread each.
    abandoned: Vec<starts::Abandoned>,
    /// Bots whose process is gone, but perhaps not all that was with it; and whether to look now.
    lingering: BTreeSet<usize>,
    look: bool,
    /// When all looks so far have had their share of the time.
    looks_paid: Instant,
    reserve: Option<File>,
    /// The bots of those children that have proved whose they are, until they are reaped.
    owners: HashMap<Pid, usize>,
    marks: MarkReader,
    /// Children that may be of some bot, which says so: see `left_behind`.
    survivors: BTreeSet<Pid>,
    /// The directory of the sockets on which bots report that they are ready; `None` if no place was found for it.
    sockets: Option<notify::Directory>,
    /// Bots that have changed in a way that concerns others.
    changed: Vec<usize>,
    /// Bots that are to stop, and perhaps are held by no dependent any more.
    released: Vec<usize>,
    /// Some bots were forgotten in this turn.
    has_forgotten: bool,
    subscribers: Vec<Subscriber>,
    followers: Vec<(usize, Follower)>,
    shutdown: Option<shutdown::Shutdown>,
    buffers: streams::Buffers,
    now: Instant,
    chance: u64,
}

/// A place that is used again: the generation tells who it belongs to.
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl Engine {
    /// Makes this thread's process the reaper of what its bots leave behind, ends what an earlier monitor left, and gets
    /// ready to start.
    pub(crate) fn new(plan: Plan) -> Result<Engine> {
        let failed = |error: std::io::Error| Error::system("begin to monitor", &error);
        nix::sys::prctl::set_child_subreaper(true).map_err(|errno| failed(errno.into()))?;
        let descriptors = descriptors::raise();
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(|errno| failed(errno.into()))?;
        let place = plan.journal.clone();
        let journal = Journal::begin(plan.journal)?;
        let ground = Ground::new(journal.secret(), descriptors);
        let spawners = Spawners::new(ground).map_err(failed)?;
        let child_signals = children::listen().map_err(failed)?;
        let stray_signals = StraySignals::listen(stray_signals::unclaimed(plan.ignored)).map_err(failed)?;
        // Before the first bot ends, it must be known what this kernel can.
        PidFd::open(Pid::this()).map_err(failed)?.has_group(Pid::this());
        let now = Instant::now();
        let mut engine = Engine {
            epoll,
            commands: plan.receiver,
            spawners,
            journal,
            logs: Logs::default(),
            child_signals,
            stray_signals,
            stray_signals_again: None,
            stopping: plan.stopping,
            reaps_all: plan.reaps_all,
            ready: Some(plan.ready),
            settings: plan.config.settings,
            bots: plan.config.bots.into_iter().flat_map(Bot::into_units).map(Arc::new).collect(),
            units: Vec::new(),
            free: Vec::new(),
            names: BTreeMap::new(),
            pids: HashMap::new(),
            streams: Vec::new(),
            free_streams: Vec::new(),
            probes: HashMap::new(),
            looking: BTreeMap::new(),
            timers: Timers::new(),
            starting: VecDeque::new(),
            making: BTreeMap::new(),
            abandoned: Vec::new(),
            lingering: BTreeSet::new(),
            look: false,
            looks_paid: now,
            reserve: children::reserve(),
            owners: HashMap::new(),
            marks: MarkReader::default(),
            survivors: BTreeSet::new(),
            sockets: place.as_deref().and_then(notify::Directory::beside),
            changed: Vec::new(),
            released: Vec::new(),
            has_forgotten: false,
            subscribers: Vec::new(),
            followers: Vec::new(),
            shutdown: None,
            buffers: streams::Buffers::default(),
            now,
            chance: u64::from(std::process::id()) << 32 | 0x9E37_79B9,
        };
        engine.listen().map_err(|errno| failed(errno.into()))?;
        engine.count_descriptors();
        for bot in engine.bots.clone() {
            engine.add(bot, false);
        }
        engine.wire();
        Ok(engine)
    }

    fn listen(&self) -> nix::Result<()> {
        self.watch(&*self.commands.wakeup, Token::Commands, EpollFlags::EPOLLIN)?;
        self.watch(&self.child_signals, Token::Child, EpollFlags::EPOLLIN)?;
        // By edge: what is not taken at once must not wake the loop again and again.
        self.watch(self.stray_signals.event(), Token::StraySignals, EpollFlags::EPOLLIN | EpollFlags::EPOLLET)?;
        self.watch(self.spawners.bell(), Token::Threads, EpollFlags::EPOLLIN)?;
        match self.stopping {
            Some(stopping) => self.watch(stopping, Token::Stopping, EpollFlags::EPOLLIN),
            None => Ok(()),
        }
    }

    fn watch(&self, fd: impl AsFd, token: Token, flags: EpollFlags) -> nix::Result<()> {
        self.epoll.add(fd, EpollEvent::new(flags, token.encode()))
    }

    /// Starts what is to be started (with `autostart`, else no bot before a command says so), and looks after it until it is
    /// told to stop; returns when nothing is left.
    pub(crate) fn run(mut self, autostart: bool) -> Result<()> {
        let all: Vec<usize> = self.names.values().copied().collect();
        for index in all {
            let unit = self.unit(index);
            // A dependent may have started it already.
            if autostart && unit.bot.autostart && unit.state == State::Stopped {
                self.begin(index);
            }
        }
        let mut events = [EpollEvent::empty(); PER_TURN];
        loop {
            self.start_some();
            self.look_for_leavers();
            self.settle_changes();
            self.journal.flush();
            self.say_ready()?;
            if self.is_over() {
                self.log_stray_signals(); // Some may have waited for their turn.
                self.journal.end();
                return Ok(());
            }
            let count = match self.epoll.wait(&mut events, self.timeout()) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(errno) => return Err(Error::system("wait for bots", &errno.into())),
            };
            self.now = Instant::now();
            for event in &events[..count] {
                self.dispatch(Token::decode(event.data()));
            }
            self.run_timers();
        }
    }

    /// Once, when all was begun that starts by itself.
    fn say_ready(&mut self) -> Result<()> {
        if let Some(ready) = self.ready.take_if(|_| self.starting.is_empty()) {
            ready()?;
            // Until then a daemon's streams may lead to its launcher.
            self.warn_of_lost_output();
        }
        Ok(())
    }

    fn dispatch(&mut self, token: Token) {
        match token {
            Token::Commands => self.handle_commands(),
            Token::Child => drop(self.take_changes_of_children()),
            Token::Stopping => self.told_to_stop(),
            Token::StraySignals => self.take_stray_signals(),
            Token::Threads => {
                let _ = self.spawners.bell().read();
                self.take_starts();
                self.take_looks();
            }
            Token::Notify(index, generation) if self.is_current(index, generation) => self.take_notifications(index),
            Token::Unit(index, generation) if self.is_current(index, generation) => self.take_change(index),
            Token::Stream(index, generation) => self.take_piece(index, generation),
            Token::Probe(index, generation) if self.is_current(index, generation) => self.take_probe(index),
            Token::Notify(..) | Token::Unit(..) | Token::Probe(..) => {}
        }
    }

    /// Returns how long nothing is due. Computed from what is left to do, and not from who has left it: a step of a turn
    /// may queue work for a step that comes before it, which nothing else would wake the loop for.
    fn timeout(&self) -> EpollTimeout {
        if !self.starting.is_empty() || self.has_unsettled() {
            return EpollTimeout::ZERO;
        }
        // Not the time of this turn: starting programs has taken some.
        let now = Instant::now();
        let again = self.journal.again().map(|again| again.saturating_duration_since(now));
        let look = self.look.then(|| self.next_look().saturating_duration_since(now));
        let left = self.timers.left(now).into_iter().chain(again).chain(look).min();
        left.map_or(EpollTimeout::NONE, |left| {
            EpollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(EpollTimeout::MAX)
        })
    }

    fn is_current(&self, index: usize, generation: u32) -> bool {
        self.units.get(index).is_some_and(|slot| slot.generation % GENERATIONS == generation && slot.value.is_some())
    }

    /// A bot by its number, which must be in use.
    fn unit(&self, index: usize) -> &Unit {
        self.units[index].value.as_ref().expect("a number is given back when its bot is forgotten")
    }

    fn unit_mut(&mut self, index: usize) -> &mut Unit {
        self.units[index].value.as_mut().expect("a number is given back when its bot is forgotten")
    }

    /// A number from 0 to 1, for jitter only (xorshift).
    #[allow(clippy::cast_precision_loss)] // 53 bits have room.
    fn chance(&mut self) -> f64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 11) as f64 / (1_u64 << 53) as f64
    }
}
