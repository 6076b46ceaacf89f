//! Runs [auxiliary commands](crate::engine::auxiliary): starts them when their turn comes, feeds and reads them, kills them at
//! their deadline, and ends what they leave behind.

use super::Supervisor;
use crate::bot::Bot;
use crate::engine::auxiliary::{
    AuxiliaryCommand, AuxiliaryOutcome, AuxiliaryOutput, AuxiliaryPipes, AuxiliaryResult, AuxiliaryRun, AuxiliaryStage,
    Purpose, QueuedCommand,
};
use crate::engine::descriptor_limit;
use crate::engine::reactor::Timer;
use crate::engine::slab::Key;
use crate::engine::token::Token;
use crate::error::cause;
use crate::program::{AccountNames, RunAs, StartError};
use crate::secret::Secret;
use crate::spawner::Start;
use daemonize_core::{Pid, Signal};
use daemonize_sys::wait::Ended;
use nix::sys::epoll::EpollFlags;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How often it is looked for what commands have left behind, at the most.
const LEFTOVER_INTERVAL: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Runs a command for a bot, when its turn comes; [`take_auxiliary`](Supervisor::take_auxiliary) receives the outcome.
    /// Returns `false` if there will be none: one of this purpose waits or has not ended, too many wait, or the monitor stops, which
    /// only hooks are executed during, until everything is killed.
    pub(in crate::engine) fn run_auxiliary(
        &mut self,
        index: usize,
        purpose: Purpose,
        command: AuxiliaryCommand,
    ) -> bool {
        let is_late = if purpose.is_hook() { self.is_killing } else { self.is_shutting_down };
        !is_late && self.units.get(index).is_some() && self.auxiliaries.queue(self.units.key(index), purpose, command)
    }

    /// Kills the command of a bot for this purpose, if there is one. Its outcome is not reported.
    pub(in crate::engine) fn cancel_auxiliary(&mut self, index: usize, purpose: Purpose) {
        let bot = self.units.key(index);
        self.cancel_auxiliaries(|other, its| other == bot && its == purpose);
    }

    /// Kills the commands that are chosen. Their outcomes are not reported.
    pub(super) fn cancel_auxiliaries(&mut self, is_chosen: impl Fn(Key, Purpose) -> bool) {
        if self.auxiliaries.is_idle() {
            return;
        }
        self.auxiliaries.unqueue(&is_chosen);
        for key in self.auxiliaries.chosen(is_chosen) {
            self.kill_auxiliary(key);
        }
    }

    /// Takes the outcome of a command.
    fn take_auxiliary(&mut self, index: usize, purpose: Purpose, outcome: &AuxiliaryOutcome) {
        match purpose {
            Purpose::Check | Purpose::Ready => self.take_executed_probe(index, purpose, outcome),
            Purpose::Hook(hook) => self.take_hook(index, hook, outcome),
        }
    }

    /// Starts commands that are due until `end`.
    pub(super) fn start_auxiliaries(&mut self, end: Instant) {
        while self.auxiliaries.has_due() && Instant::now() < end {
            self.start_auxiliary();
        }
    }

    /// Starts the next command that is due.
    pub(super) fn start_auxiliary(&mut self) {
        let Some(QueuedCommand { bot, purpose, command }) = self.auxiliaries.take_due() else { return };
        if !self.units.contains(bot) {
            return;
        }
        if let Err(refusal) = self.begin_auxiliary(bot, purpose, command) {
            self.report_auxiliary(bot, purpose, refusal.into());
        }
    }

    /// Makes what a command needs of the monitor, and looks up its user.
    fn begin_auxiliary(&mut self, bot: Key, purpose: Purpose, command: AuxiliaryCommand) -> Result<(), StartError> {
        let timeout = command.timeout;
        let (pipes, streams) = AuxiliaryPipes::open(!command.stdin.is_empty()).map_err(super::start::no_pipes)?;
        descriptor_limit::leaves_room(pipes.descriptors()).map_err(super::start::no_pipes)?;
        let secret = Secret::random().map_err(|error| StartError::shortage(&cause(&error)))?;
        let specification = Arc::new(specification(&self.units[bot.index].bot, &command));
        let deadline = Instant::now() + timeout;
        let run = AuxiliaryRun::new((bot, purpose), secret.clone(), pipes, command.stdin, (timeout, deadline));
        let key = self.auxiliaries.runs.insert(run);
        let cgroup = self.cgroups.join_command(key.index);
        let start = Start { bot: specification, secret, notify: None, time_to_end: Duration::ZERO, streams, cgroup };
        self.reactor.set_timer(deadline, Timer::Auxiliary(key));
        match self.spawner.look_up_account(&start.bot) {
            Poll::Ready(run_as) => self.spawn_auxiliary(key, &start, run_as),
            Poll::Pending => self.auxiliaries.runs[key.index].stage = AuxiliaryStage::LookUp(start),
        }
        Ok(())
    }

    /// Forks the processes of the commands that have waited for this user.
    pub(super) fn take_auxiliary_accounts(&mut self, names: &AccountNames, run_as: &Result<Arc<RunAs>, StartError>) {
        for key in self.auxiliaries.chosen(|_, _| true) {
            // A command that could not be started may have ended others.
            let Some(run) = self.auxiliaries.runs.current_mut(key) else { continue };
            let waits = matches!(&run.stage, AuxiliaryStage::LookUp(start) if AccountNames::of(&start.bot).as_ref() == Some(names));
            if !waits {
                continue;
            }
            if let AuxiliaryStage::LookUp(start) = std::mem::replace(&mut run.stage, AuxiliaryStage::Over) {
                self.spawn_auxiliary(key, &start, run_as.clone());
            }
        }
    }

    fn spawn_auxiliary(&mut self, key: Key, start: &Start, run_as: Result<Arc<RunAs>, StartError>) {
        let spawned = run_as.and_then(|run_as| self.spawner.spawn(start, &run_as, &[])).and_then(|(child, _)| {
            let token = Token::Auxiliary(key);
            let run = &self.auxiliaries.runs[key.index];
            let watch = |fd: BorrowedFd<'_>, flags| self.reactor.watch(fd, token, flags);
            let watched = watch(child.as_fd(), EpollFlags::EPOLLIN)
                .and_then(|()| watch(child.process().as_fd(), EpollFlags::EPOLLIN))
                .and_then(|()| watch(run.output.as_fd(), EpollFlags::EPOLLIN))
                .and_then(|()| run.input.as_ref().map_or(Ok(()), |input| watch(input.as_fd(), EpollFlags::EPOLLOUT)));
            if let Err(errno) = watched {
                self.unwatch(&child);
                child.kill();
                child.reap();
                return Err(super::start::no_pipes(errno));
            }
            Ok(child)
        });
        match spawned {
            Ok(child) => {
                let specification = Arc::clone(&start.bot);
                self.auxiliaries.runs[key.index].stage = AuxiliaryStage::Execution(child, specification);
            }
            Err(refusal) => self.end_auxiliary(key, refusal.into()),
        }
    }

    /// Takes what there is of a command: whether its program is executed, its output, and its end.
    pub(in crate::engine) fn take_auxiliary_event(&mut self, key: Key) {
        let Some(run) = self.auxiliaries.runs.current_mut(key) else { return };
        if let AuxiliaryStage::Execution(child, _) = &run.stage {
            if let Poll::Ready(outcome) = child.poll() {
                return self.take_auxiliary_start(key, outcome.err());
            }
        }
        if run.write_input() {
            if let Some(input) = run.input.take() {
                self.reactor.unwatch(&input);
            }
        }
        if run.read_output() == AuxiliaryOutput::End {
            self.reactor.unwatch(&run.output);
        }
        if let AuxiliaryStage::Running(pid, _) = run.stage {
            if let Some(ended) = self.children.auxiliary.take(pid) {
                self.auxiliary_ended(pid, ended);
            }
        }
    }

    /// Takes whether the program of a command is executed.
    fn take_auxiliary_start(&mut self, key: Key, failure: Option<crate::sys::spawn::SpawnError>) {
        let run = &mut self.auxiliaries.runs[key.index];
        let stage = std::mem::replace(&mut run.stage, AuxiliaryStage::Over);
        let AuxiliaryStage::Execution(child, specification) = stage else { return };
        if let Some(failure) = failure {
            self.unwatch(&child);
            child.reap();
            return self.end_auxiliary(key, StartError::of(&specification, failure).into());
        }
        self.reactor.unwatch(&child);
        let (pid, handle) = child.into_process();
        self.children.auxiliary.add(pid);
        run.stage = AuxiliaryStage::Running(pid, handle);
        if run.is_reported {
            self.kill_auxiliary(key);
        }
    }

    /// Takes the end of the process of a command, which was reaped.
    pub(super) fn auxiliary_ended(&mut self, pid: Pid, ended: Ended) {
        let Some(key) = self.auxiliaries.of_process(pid) else { return };
        let run = &self.auxiliaries.runs[key.index];
        if let AuxiliaryStage::Running(_, handle) = &run.stage {
            self.reactor.unwatch(handle);
        }
        let began = run.deadline.checked_sub(run.timeout).unwrap_or(run.deadline);
        if self.children.auxiliary.since().is_none() {
            let at = self.leftovers_sought + LEFTOVER_INTERVAL;
            self.reactor.set_timer(at.max(Instant::now()), Timer::AuxiliaryLeftovers);
        }
        self.children.auxiliary.note_end(began);
        self.end_auxiliary(key, AuxiliaryResult::Ended(ended));
    }

    /// Removes a command that has no process any more, and reports its outcome.
    fn end_auxiliary(&mut self, key: Key, result: AuxiliaryResult) {
        let run = &mut self.auxiliaries.runs[key.index];
        let outcome = run.outcome(result);
        let (bot, purpose, is_reported) = (run.bot, run.purpose, run.is_reported);
        // Before the next command has its number.
        self.cgroups.kill_command(key.index);
        self.reactor.unwatch(&run.output);
        if let Some(input) = &run.input {
            self.reactor.unwatch(input);
        }
        self.auxiliaries.runs.remove(key.index);
        if !is_reported && self.units.contains(bot) {
            self.take_auxiliary(bot.index, purpose, &outcome);
        }
    }

    fn report_auxiliary(&mut self, bot: Key, purpose: Purpose, result: AuxiliaryResult) {
        self.take_auxiliary(bot.index, purpose, &AuxiliaryOutcome { result, last_line: None });
    }

    /// Kills a command at its deadline. Its outcome is reported at once: it may not even end of SIGKILL.
    pub(in crate::engine) fn check_auxiliary(&mut self, key: Key) {
        let Some(run) = self.auxiliaries.runs.current_mut(key).filter(|run| !run.is_reported) else { return };
        let outcome = run.outcome(AuxiliaryResult::TimedOut(run.timeout));
        let (bot, purpose) = (run.bot, run.purpose);
        self.kill_auxiliary(key);
        if self.units.contains(bot) {
            self.take_auxiliary(bot.index, purpose, &outcome);
        }
    }

    /// Kills a command whose outcome is not wanted any more.
    pub(super) fn kill_auxiliary(&mut self, key: Key) {
        let run = &mut self.auxiliaries.runs[key.index];
        run.is_reported = true;
        match &run.stage {
            AuxiliaryStage::Execution(child, _) => child.kill(),
            AuxiliaryStage::Running(pid, handle) => {
                let _ = handle.send_group(*pid, Signal::SIGKILL);
                self.cgroups.kill_command(key.index);
            }
            AuxiliaryStage::LookUp(_) | AuxiliaryStage::Over => {
                self.auxiliaries.runs.remove(key.index);
            }
        }
    }

    /// Kills what commands that have ended have left behind outside of their groups, again and again until nothing is left.
    pub(in crate::engine) fn end_auxiliary_leftovers(&mut self) {
        self.leftovers_sought = Instant::now();
        let Some(since) = self.children.auxiliary.since() else { return };
        let is_starting = |pid| self.starts.has_child(pid) || self.auxiliaries.is_starting(pid);
        let is_running = |secret: &Secret| self.auxiliaries.has_secret(secret);
        if self.children.kill_auxiliary_leftovers(since, &self.units, &is_starting, &is_running) {
            let again = self.leftovers_sought + LEFTOVER_INTERVAL;
            self.reactor.set_timer(again, Timer::AuxiliaryLeftovers);
        } else {
            self.children.auxiliary.forget_ended();
        }
    }
}

/// Returns the specification of a process that runs a command as a bot would.
fn specification(bot: &Bot, command: &AuxiliaryCommand) -> Bot {
    let mut argv = command.argv.iter().cloned();
    let mut bot = bot.clone();
    bot.command = argv.next().map(PathBuf::from).unwrap_or_default();
    bot.arguments = argv.collect();
    bot.environment.extend(command.variables.iter().map(|(name, value)| (name.clone(), value.clone())));
    // It is killed if the monitor ends.
    bot.stop = Vec::new();
    // Connections are for the bot alone.
    bot.listen = Vec::new();
    bot
}
