//! The engine: one thread that waits for everything at once. Nothing in it blocks, except for the short moment in which a child
//! is forked, and gets descriptors of its own.
//!
//! The loop turns descriptors and timers into events, hands these to the states of bots, and carries out the actions that they
//! answer with. Deaths come through pidfds, output and events through pipes, commands through a channel and an eventfd; what is
//! to happen later sits in a heap of timers, of which the first one bounds the wait: there is no tick. Whatever takes long (a
//! stop, readiness, a backoff) is a state of a bot, not a place in the code, so nothing waits behind anything else. What many
//! bots need at once (the journal, the look for orphans) is done once per turn for all of them.
//!
//! # Parts
//!
//! Each part owns its state, and calls only parts below it:
//!
//! * [`Engine`] has the commands, the configuration and the shutdown; it tells the supervisor what to do.
//! * [`Supervisor`] has the bots: it hands events to [`bot_state`], and carries out what that answers with.
//! * [`children`], with [`orphans`] and [`processes`]: reaping, and the bot to which a process belongs.
//! * [`streams`]: pipes, logs and their readers. [`subscribers`] and [`pending_reply`]: receivers of changes.
//! * [`units`]: what is known of each bot. [`dependencies`]: the order of starts and stops, as pure functions of a graph.
//! * [`bot_state`]: what one bot does when something happens to it, as a pure function.
//! * [`reactor`], [`token`] and [`slots`]: descriptors, timers, and numbers that are used again.
//!
//! # What another program in this place would need
//!
//! This thread forks all bots, and is the only one to whose end their `PR_SET_PDEATHSIG` is tied; a thread that calls `execve(2)`
//! is not ended by that, and its process keeps its pid and its children. So a new version of the monitor could be executed by
//! this thread in place of the old one, while bots run on. All that it would have to take over is owned here:
//!
//! * descriptors without `FD_CLOEXEC`: pidfds and notify sockets ([`units`]), the reading ends of pipes with the cut lines that
//!   they hold ([`streams`]), and whatever the daemon around the engine has (the lock of the pidfile, the endpoint's socket);
//! * of each bot its pid and user, its [`BotState`](bot_state::BotState), secret, counts and the file that it had before its start
//!   ([`units`]); of the monitor its own secret, which is in the environment of all bots ([`process_journal`](crate::process_journal));
//! * orphans that were found, and the bots of children that have proved whose they are ([`orphans`]), though both can be found
//!   again from `/proc`;
//! * deadlines, as times on `CLOCK_MONOTONIC`, which the new program shares.
//!
//! Starts that are pending, commands, subscribers and followers would be ended before: a child that has not executed its program
//! reports to this one, and the others belong to other threads.

mod adopt;
mod bot_state;
mod children;
mod commands;
mod dependencies;
mod descriptors;
mod explain;
mod inherited;
mod orphans;
mod outsiders;
mod pending_reply;
mod processes;
mod reactor;
mod reload;
mod shutdown;
mod slots;
mod state;
mod stray_signals;
mod streams;
mod subscribers;
mod supervisor;
mod token;
mod units;

use crate::bot::Bot;
use crate::command_queue::CommandReceiver;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::notify;
use crate::process_journal::ProcessJournal;
use crate::program::SpawnContext;
use crate::spawner::Spawner;
use crate::status::State;
use children::Children;
use daemonize_core::{Pid, Signal};
use daemonize_sys::pidfd::PidFd;
use nix::sys::epoll::EpollFlags;
use reactor::{Reactor, Timer};
pub(crate) use state::Engine;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use stray_signals::StraySignalLog;
pub(crate) use stray_signals::deadly;
use supervisor::Supervisor;
use token::Token;

/// The parts that an engine is made from.
pub(crate) struct Plan {
    pub(crate) config: Config,
    pub(crate) receiver: CommandReceiver,
    /// The file in which running processes are noted; none for a monitor that leaves nothing behind.
    pub(crate) journal: Option<PathBuf>,
    /// Signals that do not end the process, unless something in it handles or ignores them already.
    pub(crate) ignored: Vec<Signal>,
    /// Readable when the daemon around the engine has been told to stop.
    pub(crate) stopping: Option<BorrowedFd<'static>>,
    /// `true` if no other part of this program has children: then all that are unknown are reaped.
    pub(crate) reaps_all: bool,
    /// Called when every bot that starts by itself was begun.
    pub(crate) ready: Box<dyn FnOnce() -> Result<()>>,
}

impl Engine {
    /// Makes this thread's process the subreaper of its bots' descendants, ends what an earlier monitor left, and gets ready to
    /// start.
    pub(crate) fn new(plan: Plan) -> Result<Engine> {
        let failed = |error: std::io::Error| Error::system("begin to monitor", &error);
        nix::sys::prctl::set_child_subreaper(true).map_err(|errno| failed(errno.into()))?;
        let descriptors = descriptors::raise();
        let reactor = Reactor::new().map_err(|errno| failed(errno.into()))?;
        let sockets = plan.journal.clone();
        let journal = ProcessJournal::begin(plan.journal)?;
        let spawner = Spawner::new(SpawnContext::new(journal.secret(), descriptors)).map_err(failed)?;
        let children = Children::new(plan.reaps_all, journal.secret().clone()).map_err(failed)?;
        let stray_signals = StraySignalLog::listen(plan.ignored).map_err(failed)?;
        // Before the first bot ends, it must be known what this kernel can.
        PidFd::open(Pid::this()).map_err(failed)?.has_group(Pid::this());
        let sockets = sockets.as_deref().and_then(notify::Directory::beside);
        let stop_timeout = plan.config.settings.stop_timeout;
        let mut engine = Engine {
            bots: Supervisor::new(reactor, children, journal, spawner, sockets, stop_timeout),
            receiver: plan.receiver,
            stray_signals,
            stopping: plan.stopping,
            ready: Some(plan.ready),
            settings: plan.config.settings,
            configured: plan.config.bots.into_iter().flat_map(Bot::into_units).map(Arc::new).collect(),
            shutdown: None,
        };
        engine.listen().map_err(|errno| failed(errno.into()))?;
        descriptors::warn_of_shortage(&engine.configured);
        for bot in engine.configured.clone() {
            engine.bots.add(bot, false);
        }
        engine.bots.connect();
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

    /// Starts the bots with `autostart` (none if `autostart` is `false`, before a command says so), and supervises bots until it
    /// receives a command or a signal to stop; returns when nothing is left.
    ///
    /// # Errors
    /// The kernel does not let it wait, or `ready` has failed.
    pub(crate) fn run(mut self, autostart: bool) -> Result<()> {
        // A child of whatever executed this program may be dead already, and its SIGCHLD gone.
        self.bots.reactor.set_timer(self.bots.now, Timer::Children);
        let all: Vec<usize> = self.bots.units.all().collect();
        for index in all {
            let unit = &self.bots.units[index];
            // A dependent may have started it already.
            if autostart && unit.bot.autostart && unit.state() == State::Stopped {
                self.bots.begin(index);
            }
        }
        loop {
            self.bots.start_some();
            self.bots.look_for_orphans();
            self.bots.settle_changes();
            self.bots.journal.flush();
            self.report_ready()?;
            if self.is_over() {
                self.log_stray_signals(); // Some may have waited for their turn.
                self.bots.journal.end();
                return Ok(());
            }
            let timeout = self.bots.timeout();
            let tokens =
                self.bots.reactor.wait(timeout).map_err(|errno| Error::system("wait for bots", &errno.into()))?;
            self.bots.now = Instant::now();
            for token in tokens {
                self.dispatch(token);
            }
            self.run_timers();
        }
    }

    /// Calls `ready`, once, when all bots were begun that start by themselves.
    fn report_ready(&mut self) -> Result<()> {
        if let Some(ready) = self.ready.take_if(|_| !self.bots.is_starting()) {
            ready()?;
            // Until then a daemon's streams may lead to its launcher.
            inherited::warn_of_lost_output(&self.configured);
        }
        Ok(())
    }

    fn dispatch(&mut self, token: Token) {
        let bots = &mut self.bots;
        match token {
            Token::Commands => self.handle_commands(),
            Token::Children => bots.take_changes_of_children(),
            Token::Stopping => self.told_to_stop(),
            Token::SignalCounters => self.take_stray_signals(),
            Token::Answers => bots.take_answers(),
            Token::Stream(key) => bots.take_piece(key),
            Token::Notify(key) if bots.units.contains(key) => bots.take_notifications(key.index),
            Token::Process(key) if bots.units.contains(key) => {
                bots.take_start(key.index);
                bots.take_changes_of(key.index);
            }
            Token::Probe(key) if bots.units.contains(key) => bots.take_probe(key.index),
            Token::Notify(_) | Token::Process(_) | Token::Probe(_) => {}
        }
    }

    fn run_timers(&mut self) {
        while let Some((at, timer)) = self.bots.reactor.take_due(self.bots.now) {
            match timer {
                Timer::Bot(key) => self.bots.take_timer(key, at),
                Timer::Start(key) => self.bots.check_start(key, at),
                Timer::Children => self.bots.take_changes_of_children(),
                Timer::SignalCounters => self.log_stray_signals(),
                Timer::Shutdown => self.check_shutdown_deadline(at),
            }
        }
    }

    fn take_stray_signals(&mut self) {
        if self.stray_signals.is_due(Instant::now()) {
            self.log_stray_signals();
        }
    }

    fn log_stray_signals(&mut self) {
        if let Some(next) = self.stray_signals.log(Instant::now()) {
            self.bots.reactor.set_timer(next, Timer::SignalCounters);
        }
    }
}
