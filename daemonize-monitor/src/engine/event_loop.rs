//! The event loop: one thread waits with `epoll_wait(2)`, dispatches what is ready, and runs the timers that are due.

use super::lost_output;
use super::reactor::Timer;
use super::state::Engine;
use super::token::Token;
use crate::error::{Error, Result};
use crate::status::State;
use std::time::Instant;

impl Engine {
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
            lost_output::warn_of_lost_output(&self.configured);
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
