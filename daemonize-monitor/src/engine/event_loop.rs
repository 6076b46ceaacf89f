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
    /// receives a command or a signal to stop, or they have ended as `exit_when` says; returns the exit status when nothing is left.
    ///
    /// # Errors
    /// The kernel does not let it wait, or `ready` has failed.
    pub(crate) fn run(mut self, autostart: bool) -> Result<u8> {
        // A child inherited through execve(2) may have died before SIGCHLD was handled here: reap it without a signal.
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
            // Start due programs for at most a few milliseconds: fork(2) and execve(2) must not delay events.
            self.bots.start_some();
            // One scan of /proc for all bots whose process has exited: orphans are children of this subreaper, see prctl(2).
            self.bots.look_for_orphans();
            // Apply the dependencies only now, so that a bot that changed twice in this turn counts once.
            self.bots.settle_changes();
            // One write for all processes that were started or have ended in this turn.
            self.bots.journal.flush();
            self.report_ready()?;
            self.check_exit_condition();
            if self.is_over() {
                self.log_stray_signals(); // Some may have been held back by the rate limit.
                self.bots.journal.end();
                self.bots.finish_webhook();
                self.bots.close_cgroups();
                return Ok(self.exit_status);
            }
            // Block in epoll_wait(2) until a file descriptor is ready or the first timer is due: there is no tick.
            let timeout = self.bots.timeout();
            let tokens =
                self.bots.reactor.wait(timeout).map_err(|errno| Error::system("wait for bots", &errno.into()))?;
            self.bots.now = Instant::now();
            for token in tokens {
                self.dispatch(token);
            }
            // Timers after events: a process that exited in time must not be killed by its own stop timeout.
            self.run_timers();
        }
    }

    /// Calls `ready`, once, when all bots with `autostart` were started.
    fn report_ready(&mut self) -> Result<()> {
        if let Some(ready) = self.ready.take_if(|_| !self.bots.has_first_starts()) {
            ready()?;
            // Before readiness, the stdout and stderr of a daemon may still be connected to its launcher.
            lost_output::warn_of_lost_output(&self.configured);
        }
        Ok(())
    }

    fn dispatch(&mut self, token: Token) {
        let bots = &mut self.bots;
        match token {
            // An eventfd(2), written with each command.
            Token::Commands => self.handle_commands(),
            Token::Children => bots.take_changes_of_children(),
            Token::Stopping => self.told_to_stop(),
            Token::SignalCounters => self.take_stray_signals(),
            Token::Schedules => bots.take_schedules(),
            Token::Answers => bots.take_answers(),
            Token::Stream(key) => bots.take_piece(key),
            Token::Notify(key) if bots.units.contains(key) => bots.take_notifications(key.index),
            // A pidfd, readable when the process exits (pidfd_open(2)), or the error pipe of a start: waitid(2) tells the status.
            Token::Process(key) if bots.units.contains(key) => {
                bots.take_start(key.index);
                bots.take_changes_of(key.index);
            }
            Token::Probe(key) if bots.units.contains(key) => bots.take_probe(key.index),
            Token::ProbeAnswers => bots.take_probe_answers(),
            Token::Auxiliary(key) => bots.take_auxiliary_event(key),
            Token::Notify(_) | Token::Process(_) | Token::Probe(_) => {}
        }
    }

    fn run_timers(&mut self) {
        while let Some((at, timer)) = self.bots.reactor.take_due(self.bots.now) {
            match timer {
                Timer::Bot(key) => self.bots.take_timer(key, at),
                Timer::Start(key) => self.bots.check_start(key, at),
                Timer::Children => self.bots.take_changes_of_children(),
                Timer::Memory => self.bots.measure_memory(at),
                Timer::SignalCounters => self.log_stray_signals(),
                Timer::Schedules => self.bots.take_schedules(),
                Timer::Check(key) => self.bots.begin_check(key, at),
                Timer::Auxiliary(key) => self.bots.check_auxiliary(key),
                Timer::AuxiliaryLeftovers => self.bots.end_auxiliary_leftovers(),
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
