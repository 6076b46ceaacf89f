//! From the wish that a bot runs to its end, and what follows that.

use super::unit::After;
use super::{Engine, children, dependencies, stray_signals};
use crate::bot::Ready;
use crate::counts::BuiltIn;
use crate::policy::{Decision, Exit, Rules, decide};
use crate::status::State;
use crate::sys::pidfd;
use crate::sys::wait::{self, Change, Ended};
use daemonize_core::Signal;
use std::time::{Duration, Instant, SystemTime};

/// How long the first restart of a bot waits at least, if a signal to stop may have ended it: a service manager sends that to the
/// monitor and to all bots together, and a bot may end before the monitor has taken its own.
const STOP_RACE: Duration = Duration::from_millis(100);

impl Engine {
    /// The bot is to run: at once, or when those are ready that it depends on. Those of them that nothing has started yet, such as
    /// bots with `autostart = false`, are started too: otherwise the bot would wait for ever.
    pub(super) fn begin(&mut self, index: usize) {
        if self.shutdown.is_some() {
            return self.set_state(index, State::Stopped, None);
        }
        for other in dependencies::stopped_below(self, index) {
            log::info!(
                "bot `{}` is started, because `{}` depends on it",
                self.unit(other).bot.name,
                self.unit(index).bot.name
            );
            self.begin_alone(other);
        }
        self.begin_alone(index);
    }

    /// The bot is to run, and what it depends on was started.
    fn begin_alone(&mut self, index: usize) {
        let reason = self.missing(index);
        let waits = reason.is_some();
        self.set_state(index, State::Waiting, reason);
        if !waits {
            self.starting.push_back(index);
        }
    }

    /// What has become of a bot's process.
    pub(super) fn take_change(&mut self, index: usize) {
        let Some(process) = self.unit(index).process.as_ref().filter(|process| !process.reaped) else { return };
        let pid = process.pid;
        while self.unit(index).is_alive() {
            let by_number = pidfd::knows_groups_by_number();
            match if by_number { wait::take_unless_dead(pid) } else { wait::take(pid) } {
                Ok(Some(Change::Ended(ended))) => self.ended(index, ended),
                Ok(Some(change)) => {
                    let is_suspended = change == Change::Suspended;
                    let unit = self.unit_mut(index);
                    if let Some(process) = &mut unit.process {
                        process.suspended = is_suspended;
                    }
                    // While it is starting, its state tells that: what it is then is shown when it is ready.
                    if matches!(unit.state, State::Running | State::Suspended) {
                        self.show_running(index, is_suspended);
                    }
                }
                Ok(None) => return,
                // Somebody else in this program has taken its status: it is gone all the same.
                Err(_) => self.ended(index, Ended::Status(-1)),
            }
        }
    }

    /// The bot's process is ready, and runs unless a signal has suspended it.
    pub(super) fn show_running(&mut self, index: usize, is_suspended: bool) {
        if is_suspended {
            self.set_state(index, State::Suspended, Some("suspended by a signal".into()));
        } else {
            self.set_state(index, State::Running, None);
        }
    }

    fn ended(&mut self, index: usize, ended: Ended) {
        let exit = match ended {
            Ended::Status(status) => Exit::Status(status),
            Ended::Signal(signal) => Exit::Signal(signal),
        };
        let now = self.now;
        let unit = self.units[index].value.as_mut().expect("it is alive");
        let Some(process) = &mut unit.process else { return };
        process.reaped = true;
        let pid = process.pid;
        // By number its group cannot be told from its zombie, which has to stay: the look for leavers does that.
        let by_number = pidfd::knows_groups_by_number();
        let has_group = !by_number && process.handle.has_group(pid);
        let _ = self.epoll.delete(&process.handle);
        if !by_number {
            self.pids.remove(&pid);
        }
        unit.counts.add(BuiltIn::Exit, now);
        log::info!("bot `{}` (process {pid}) ended by {exit}", unit.bot.name);
        let by_itself = unit.state != State::Stopping;
        unit.has_left_processes = by_itself && has_group;
        if by_itself {
            unit.after = After::Decide(exit);
            unit.step = 0;
        }
        self.linger(index);
        if by_itself && has_group {
            // What is left would be a second copy beside the next one.
            self.stop_group(index);
        }
    }

    /// Its process is gone; whether all of it is has to be found out.
    pub(super) fn linger(&mut self, index: usize) {
        self.lingering.insert(index);
        self.look = true;
    }

    /// Nothing is left of the bot's process and of those that were with it.
    pub(super) fn gone(&mut self, index: usize) {
        self.end_probe(index);
        self.lingering.remove(&index);
        self.owners.retain(|_, owner| *owner != index);
        let unit = self.unit_mut(index);
        (unit.deadline, unit.misses) = (None, 0);
        let after = std::mem::replace(&mut unit.after, After::Rest);
        // Whoever was to go, and has ended before its turn came, is gone all the same.
        let after = unit.leaving.take().filter(|after| *after != After::Stay).unwrap_or(after);
        let below = unit.dependencies.clone();
        if let Some(process) = unit.process.take() {
            if self.pids.remove(&process.pid).is_some() {
                // It was kept, to keep its group's number.
                let _ = wait::take(process.pid);
            }
            self.journal.ended(process.pid);
        }
        match after {
            // The bot was stopped before, and its state is not reported again.
            After::Rest | After::Stay if self.unit(index).state == State::Stopped => self.released.extend(below),
            After::Rest | After::Stay => self.set_state(index, State::Stopped, None),
            After::Start => {
                let now = self.now;
                self.unit_mut(index).counts.add(BuiltIn::Restart, now);
                self.begin(index);
            }
            After::Forget => self.forget(index),
            After::Decide(exit) => self.decide(index, exit),
        }
    }

    /// It ended by itself: what its policy says.
    pub(super) fn decide(&mut self, index: usize, exit: Exit) {
        if self.shutdown.is_some() {
            return self.set_state(index, State::Stopped, None);
        }
        let (chance, now) = (self.chance(), self.now);
        let unit = self.unit_mut(index);
        let rules = Rules::from(&*unit.bot);
        let reason = unit.reason.take().filter(|_| matches!(exit, Exit::NotStarted(_)));
        let mut told = reason.map_or_else(|| format!("ended by {exit}"), String::from);
        let hint = unit.hint(exit);
        if let Some(hint) = hint {
            log::warn!("bot `{}` ended by {exit}: {hint}", unit.bot.name);
            told = format!("{told}: {hint}");
        }
        match decide(&rules, &mut unit.history, exit, now, chance) {
            Decision::RestartAfter(wait) => {
                // Further restarts in a row wait as their backoff says.
                let is_first = unit.history.restarts_in_a_row() <= 1;
                let wait = if is_first { wait.max(pause_before_restart(exit)) } else { wait };
                unit.counts.add(BuiltIn::Restart, now);
                if wait.is_zero() {
                    self.begin(index);
                } else {
                    self.set_state(index, State::BackingOff, Some(told));
                    self.due(index, wait);
                }
            }
            Decision::GiveUp(given_up) => {
                unit.until = Some(given_up.until);
                log::warn!("bot `{}` is given up: it {given_up}", unit.bot.name);
                let is_telling = hint.is_some() || matches!(exit, Exit::NotStarted(_));
                let told = if is_telling { format!("{given_up}: {told}") } else { given_up.to_string() };
                self.set_state(index, State::GaveUp, Some(told));
            }
            Decision::Done => {
                let state = if exit.is_success() { State::Exited } else { State::Failed };
                self.set_state(index, state, Some(told));
            }
        }
    }

    /// The bot is at something else from now on.
    pub(super) fn set_state(&mut self, index: usize, state: State, reason: Option<String>) {
        let now = self.now;
        let unit = self.unit_mut(index);
        let before = std::mem::replace(&mut unit.state, state);
        unit.reason = reason.map(String::into_boxed_str);
        (unit.deadline, unit.extended) = (None, None);
        if before != state {
            unit.since = now;
            unit.since_on_the_wall = SystemTime::now();
        }
        if state != State::GaveUp {
            unit.until = None;
        }
        self.changed.push(index);
        self.tell_waiters(index);
    }

    /// The bot's state lasts so long at the most.
    pub(super) fn due(&mut self, index: usize, time: Duration) {
        // A moment that the clock cannot tell never comes.
        let Some(at) = self.now.checked_add(time) else { return };
        self.due_at(index, at);
    }

    /// The bot's state lasts until then at the most.
    pub(super) fn due_at(&mut self, index: usize, at: Instant) {
        let unit = self.unit_mut(index);
        (unit.deadline, unit.extended) = (Some(at), None);
        self.timers.set(at, (index, self.units[index].generation));
    }

    /// Whatever is due.
    pub(super) fn run_timers(&mut self) {
        while let Some((at, (index, generation))) = self.timers.due(self.now) {
            if (index, generation) == children::MORE_CHILDREN {
                self.take_changes_of_children();
            } else if (index, generation) == stray_signals::UNTOLD_SIGNALS {
                self.log_stray_signals();
            } else if index == usize::MAX {
                self.out_of_patience(at);
            } else if self.units.get(index).is_some_and(|slot| slot.generation == generation && slot.value.is_some()) {
                self.run_timer(index, at);
            }
        }
    }

    fn run_timer(&mut self, index: usize, at: Instant) {
        if self.unit(index).probe.is_some_and(|(moment, _)| moment == at) {
            return self.probe(index);
        }
        if self.unit(index).deadline != Some(at) {
            return;
        }
        let unit = self.unit_mut(index);
        unit.deadline = None;
        if let Some(later) = unit.extended.take().filter(|later| *later > at) {
            return self.due_at(index, later);
        }
        match self.unit(index).state {
            State::BackingOff => self.begin(index),
            State::Starting if matches!(self.unit(index).bot.ready, Ready::After(_)) => self.become_ready(index),
            State::Starting => {
                let time = self.unit(index).bot.ready_timeout;
                log::warn!("bot `{}` was not ready within {time:?}", self.unit(index).bot.name);
                self.stop(index, After::Decide(Exit::NotReady));
            }
            State::Stopping => self.next_step(index),
            _ => {}
        }
    }
}

/// Returns how long a restart waits at least after such an end: none after a crash or `SIGKILL`, which no service manager
/// sends first.
fn pause_before_restart(exit: Exit) -> Duration {
    match exit {
        Exit::Status(_) | Exit::Signal(Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT | Signal::SIGHUP) => {
            STOP_RACE
        }
        Exit::Signal(_) | Exit::NotStarted(_) | Exit::NotReady => Duration::ZERO,
    }
}
