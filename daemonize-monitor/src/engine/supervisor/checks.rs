//! Makes the [checks](crate::engine::checks) of bots that run: by the thread of the [`prober`](crate::prober), or by a program.

use super::Supervisor;
use crate::bot::Probe;
use crate::engine::auxiliary::{AuxiliaryCommand, AuxiliaryOutcome, AuxiliaryResult, Purpose};
use crate::engine::bot_state::BotEvent;
use crate::engine::checks::{BotChecks, Verdict};
use crate::engine::reactor::Timer;
use crate::engine::slab::Key;
use crate::engine::token::Token;
use crate::error::cause;
use crate::prober::{ProbeFailure, ProbeRequest, ProbeResult, Prober};
use crate::restart_policy::Exit;
use crate::status::State;
use nix::sys::epoll::EpollFlags;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant};

impl Supervisor {
    /// Begins to check a bot that has become ready, and ends it for one that does not run any more or is suspended.
    pub(in crate::engine) fn update_checks(&mut self, index: usize) {
        let unit = &self.units[index];
        if unit.bot.check.is_none() && unit.checks.is_none() {
            return;
        }
        let is_running = unit.state() == State::Running && unit.bot_state.is_alive();
        let is_same = unit.checks.as_ref().is_some_and(|checks| unit.bot.check.as_deref() == Some(checks.check()));
        if is_running && is_same && unit.checks.as_ref().is_some_and(|checks| !checks.is_paused()) {
            return;
        }
        self.cancel_inquiry(index, Purpose::Check);
        let chance = self.chance();
        let unit = &mut self.units[index];
        match (&mut unit.checks, unit.bot.check.as_deref()) {
            (Some(checks), _) if is_same && is_running => checks.resume(self.now, chance),
            (Some(checks), _) if is_same && unit.bot_state.state() == State::Suspended => checks.pause(),
            (checks, Some(check)) if is_running => {
                *checks = Some(Box::new(BotChecks::begin(check, self.now, chance)));
            }
            (checks, _) => *checks = None,
        }
        self.set_check_timer(index);
    }

    fn set_check_timer(&mut self, index: usize) {
        let next = self.units[index].checks.as_ref().and_then(|checks| checks.next());
        if let Some(at) = next {
            self.reactor.set_timer(at, Timer::Check(self.units.key(index)));
        }
    }

    /// Makes the check of a bot that is due. The timer may be out of date.
    pub(in crate::engine) fn begin_check(&mut self, key: Key, at: Instant) {
        let Some(unit) = self.units.current_mut(key) else { return };
        let Some(checks) = unit.checks.as_mut() else { return };
        if !checks.begin_check(at) {
            return;
        }
        let (probe, timeout) = (checks.check().probe.clone(), checks.check().timeout);
        if let Err(result) = self.inquire(key.index, Purpose::Check, probe, timeout) {
            self.take_check(key.index, Err(result));
        }
    }

    /// Begins a probe, whose outcome [`take_check`](Supervisor::take_check) or
    /// [`take_ready_probe`](Supervisor::take_ready_probe) receives.
    ///
    /// # Errors
    /// The probe cannot be made, or fails at once.
    pub(super) fn inquire(
        &mut self,
        index: usize,
        purpose: Purpose,
        probe: Probe,
        timeout: Duration,
    ) -> Result<(), ProbeFailure> {
        if let Probe::Exec(argv) = probe {
            return self.execute_probe(index, purpose, argv, timeout);
        }
        let failed = |error: &io::Error| ProbeFailure::OfMonitor(cause(error));
        self.start_prober().map_err(|error| failed(&error))?;
        let key = self.units.key(index);
        self.inquiries.last_number += 1;
        let number = self.inquiries.last_number;
        let prober =
            self.inquiries.prober.as_ref().filter(|prober| prober.probe(ProbeRequest { number, probe, timeout }));
        prober.ok_or_else(|| ProbeFailure::OfMonitor("the thread of checks has ended".into()))?;
        self.inquiries.pending.insert(number, (key, purpose));
        Ok(())
    }

    fn execute_probe(
        &mut self,
        index: usize,
        purpose: Purpose,
        argv: Vec<OsString>,
        timeout: Duration,
    ) -> Result<(), ProbeFailure> {
        let command = AuxiliaryCommand { argv, variables: BTreeMap::new(), stdin: Vec::new(), timeout };
        if self.run_auxiliary(index, purpose, command) {
            return Ok(());
        }
        Err(ProbeFailure::OfBot("the process of the check before has not ended, although it was killed".into()))
    }

    fn start_prober(&mut self) -> io::Result<()> {
        if self.inquiries.prober.is_none() {
            let prober = Prober::start()?;
            self.reactor.watch(prober.wakeup(), Token::ProbeAnswers, EpollFlags::EPOLLIN)?;
            self.inquiries.prober = Some(prober);
        }
        Ok(())
    }

    /// Does not wait for the outcome of a probe any more, and kills its program.
    pub(super) fn cancel_inquiry(&mut self, index: usize, purpose: Purpose) {
        let key = self.units.key(index);
        self.inquiries.forget(key, purpose);
        self.cancel_auxiliary(index, purpose);
    }

    /// Takes the answers of the prober's thread.
    pub(in crate::engine) fn take_probe_answers(&mut self) {
        let answers = self.inquiries.prober.as_ref().map(Prober::take_answers);
        for (number, result) in answers.into_iter().flatten() {
            match self.inquiries.pending.remove(&number) {
                Some((key, Purpose::Check)) if self.units.contains(key) => self.take_check(key.index, result),
                Some((key, Purpose::Ready)) if self.units.contains(key) => self.take_ready_probe(key.index, result),
                _ => {}
            }
        }
    }

    /// Takes the outcome of a program that has checked a bot.
    pub(super) fn take_executed_probe(&mut self, index: usize, purpose: Purpose, outcome: &AuxiliaryOutcome) {
        let result = match &outcome.result {
            _ if outcome.is_success() => Ok(()),
            AuxiliaryResult::NotStarted { reason, is_shortage: true } => Err(ProbeFailure::OfMonitor(reason.clone())),
            _ => Err(ProbeFailure::OfBot(outcome.to_string())),
        };
        match purpose {
            Purpose::Check => self.take_check(index, result),
            Purpose::Ready => self.take_ready_probe(index, result),
            Purpose::Hook(_) => {}
        }
    }

    /// Takes the outcome of a check.
    fn take_check(&mut self, index: usize, result: ProbeResult) {
        let now = Instant::now();
        let unit = &mut self.units[index];
        let is_alive = unit.bot_state.is_alive();
        let Some(checks) = unit.checks.as_mut().filter(|checks| is_alive && checks.is_going_on()) else { return };
        let name = &unit.bot.name;
        let was = checks.health();
        let verdict = match result {
            Err(ProbeFailure::OfMonitor(reason)) => {
                log::warn!("bot `{name}` could not be checked, which is no failure of it: {reason}");
                checks.end_inconclusive(now);
                Verdict::Unchanged
            }
            Err(ProbeFailure::OfBot(reason)) => checks.end_check(Some(reason), now),
            Ok(()) => checks.end_check(None, now),
        };
        match &verdict {
            Verdict::Failed => log::warn!("bot `{name}` {}", checks.reason().unwrap_or_default()),
            Verdict::Recovered(failures) => log::info!("bot `{name}` is healthy again after {failures} failed checks"),
            Verdict::Unchanged | Verdict::Unfit(_) => {}
        }
        if verdict != Verdict::Unchanged || was != checks.health() {
            self.unsettled.changed.push(index);
        }
        self.set_check_timer(index);
        if let Verdict::Unfit(reason) = verdict {
            self.on(index, BotEvent::Unfit { exit: Exit::Unhealthy, reason });
        }
    }
}
