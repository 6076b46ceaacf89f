//! The state of the engine, and how it is set up: subreaper, descriptor limit, `epoll(7)`, journal, bots.

use super::bot_cgroups::{self, BotCgroups};
use super::descriptor_limit;
use super::ignored_signals::IgnoredSignalLog;
use super::reactor::Reactor;
use super::reaper::Reaper;
use super::supervisor::Supervisor;
use super::token::Token;
use super::unowned_children::UnownedChildren;
use crate::bot::Bot;
use crate::command_queue::{CommandReceiver, Responder};
use crate::config::Config;
use crate::console::Console;
use crate::error::{Error, Result};
use crate::notify;
use crate::process_journal::ProcessJournal;
use crate::program::SpawnContext;
use crate::schedule_record::ScheduleRecord;
use crate::settings::Settings;
use crate::spawner::Spawner;
use crate::sys::heap;
use daemonize_core::{Pid, Signal};
use daemonize_sys::pidfd::PidFd;
use nix::sys::epoll::EpollFlags;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// The parts that an engine is made from.
pub(crate) struct EngineConfig {
    pub(crate) config: Config,
    pub(crate) receiver: CommandReceiver,
    /// The file in which running processes are noted; none for a monitor that leaves nothing behind.
    pub(crate) journal: Option<PathBuf>,
    /// The runs of schedules that were handled, for the next monitor.
    pub(crate) schedule_record: ScheduleRecord,
    /// Signals that do not end the process, unless something in it handles or ignores them already.
    pub(crate) ignored: Vec<Signal>,
    /// Readable when the daemon around the engine has been told to stop.
    pub(crate) stopping: Option<BorrowedFd<'static>>,
    /// `true` if no other part of this program has children: then all that are unknown are reaped.
    pub(crate) reaps_all: bool,
    /// The stdout of a container, on which the lines of all bots are shown.
    pub(crate) console: Option<Arc<Console>>,
    /// Called when every bot that starts by itself was begun.
    pub(crate) ready: Box<dyn FnOnce() -> Result<()>>,
}

/// See the module.
pub(crate) struct Engine {
    pub(super) bots: Supervisor,
    pub(super) receiver: CommandReceiver,
    pub(super) stray_signals: IgnoredSignalLog,
    pub(super) stopping: Option<BorrowedFd<'static>>,
    pub(super) ready: Option<Box<dyn FnOnce() -> Result<()>>>,
    pub(super) settings: Settings,
    /// As configured, each instance by itself: what a reload is compared with.
    pub(super) configured: Vec<Arc<Bot>>,
    pub(super) shutdown: Option<Shutdown>,
    /// With which the monitor ends.
    pub(super) exit_status: u8,
}

/// A shutdown that has begun.
pub(super) struct Shutdown {
    /// When everything is killed that is left; `None` once that was done.
    pub(super) deadline: Option<Instant>,
    /// Commands that are answered when it is over.
    pub(super) waiting: Vec<Responder>,
    pub(super) outsiders: UnownedChildren,
}

impl Engine {
    /// Makes this thread's process the subreaper of its bots' descendants, ends what an earlier monitor left, and gets ready to
    /// start.
    pub(crate) fn new(plan: EngineConfig) -> Result<Engine> {
        let failed = |error: std::io::Error| Error::system("begin to monitor", &error);
        nix::sys::prctl::set_child_subreaper(true).map_err(|errno| failed(errno.into()))?;
        let descriptors = descriptor_limit::raise();
        let reactor = Reactor::new().map_err(|errno| failed(errno.into()))?;
        let sockets = plan.journal.clone();
        bot_cgroups::thaw_leftovers(sockets.as_deref());
        let journal = ProcessJournal::begin(plan.journal)?;
        let spawner = Spawner::new(SpawnContext::new(journal.secret(), descriptors)).map_err(failed)?;
        let children = Reaper::new(plan.reaps_all, journal.secret().clone()).map_err(failed)?;
        let stray_signals = IgnoredSignalLog::listen(plan.ignored).map_err(failed)?;
        // Before the first bot ends, it must be known what this kernel can.
        PidFd::open(Pid::this()).map_err(failed)?.has_group(Pid::this());
        // After the journal, which has ended in order what an earlier monitor left: what is still in a group is killed.
        let cgroups = BotCgroups::open(sockets.as_deref());
        let sockets = sockets.as_deref().and_then(notify::Directory::beside);
        let stop_timeout = plan.config.settings.stop_timeout;
        let mut engine = Engine {
            bots: Supervisor::new(reactor, children, journal, spawner, sockets, cgroups, stop_timeout),
            receiver: plan.receiver,
            stray_signals,
            stopping: plan.stopping,
            ready: Some(plan.ready),
            settings: plan.config.settings,
            configured: plan.config.bots.into_iter().flat_map(Bot::into_units).map(Arc::new).collect(),
            shutdown: None,
            exit_status: 0,
        };
        engine.bots.set_webhook(engine.settings.webhook.as_ref());
        engine.bots.streams.followers.show_on(plan.console);
        engine.listen().map_err(|errno| failed(errno.into()))?;
        // Before there are pipes, so that the room has low numbers.
        let sockets = engine.configured.iter().map(|bot| bot.listen.len()).max().unwrap_or_default();
        engine.bots.reserve_sockets(sockets);
        descriptor_limit::warn_of_shortage(&engine.configured);
        for bot in engine.configured.clone() {
            engine.bots.add(bot, false);
        }
        engine.bots.connect();
        engine.bots.begin_schedules(plan.schedule_record);
        // To read the configuration takes more memory than to run the bots, and each fork would copy the page tables of it.
        heap::give_back();
        Ok(engine)
    }

    fn listen(&self) -> nix::Result<()> {
        self.bots.listen()?;
        let reactor = &self.bots.reactor;
        reactor.watch(&*self.receiver.wakeup, Token::Commands, EpollFlags::EPOLLIN)?;
        // By edge: what is not taken at once must not wake the loop again and again.
        reactor.watch(self.stray_signals.event(), Token::SignalCounters, EpollFlags::EPOLLIN | EpollFlags::EPOLLET)?;
        match self.stopping {
            Some(stopping) => reactor.watch(stopping, Token::Stopping, EpollFlags::EPOLLIN),
            None => Ok(()),
        }
    }
}
