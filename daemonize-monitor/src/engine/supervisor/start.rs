//! Starts: a bot's user is looked up, its process is forked, and its program is executed. Nothing is waited for here: a start is
//! pending until the look-up or the child has an outcome, and is reported to hang when that takes long.

use super::Supervisor;
use super::pending_starts::{PendingStart, Stage};
use crate::bot::Bot;
use crate::engine::bot_state::{BotEvent, HANGS};
use crate::engine::exit_records::LastOutput;
use crate::engine::output::Pipes;
use crate::engine::reactor::Timer;
use crate::engine::slab::Key;
use crate::engine::supervised_bot::Process;
use crate::engine::token::Token;
use crate::error::cause;
use crate::logs::now_in_ms;
use crate::program::{RunAs, StartError};
use crate::secret::Secret;
use crate::spawner::{ListenSocket, Start};
use crate::status::State;
use crate::sys::spawn::PendingChild;
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How long a turn may start programs before it handles what else there is.
const START_BUDGET: Duration = Duration::from_millis(5);

/// After how long a start is said to hang; most take less than a thousandth of a second, but not on every machine.
const HANG_TIME: Duration = Duration::from_millis(100);

/// After how long a start is said to hang while another one hangs: more may follow.
const NEXT_HANG_TIME: Duration = Duration::from_millis(20);

/// How often a start that hangs is looked at: its pipe may be held by a process that a program around the monitor has forked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Returns `true` if a start is due, or is pending and does not hang as far as is known.
    pub(in crate::engine) fn is_starting(&self) -> bool {
        !self.starts.queue.is_empty() || self.starts.undecided() > 0
    }

    /// Returns `true` if the first start of a bot is due, or is pending and does not hang as far as is known. Bots that fail at once
    /// and are started again do not count: there may always be one.
    pub(in crate::engine) fn has_first_starts(&self) -> bool {
        let is_first = |index: usize| self.units.get(index).is_some_and(|unit| unit.exit_records.last().is_none());
        let mut pending = self.starts.pending.iter().filter(|(_, start)| !start.hangs);
        self.starts.queue.iter().any(|index| is_first(*index)) || pending.any(|(index, _)| is_first(*index))
    }

    /// Starts programs that are due, for a short time: then the turn goes on.
    pub(in crate::engine) fn start_some(&mut self) {
        if !self.starts.has_due() && !self.auxiliaries.has_due() {
            return;
        }
        // One in each turn: bots that fail again and again may take all of the time, and it is a hook that reports them.
        self.start_auxiliary();
        let end = Instant::now() + START_BUDGET;
        while self.starts.has_due() {
            let Some(index) = self.starts.queue.pop_front() else { return };
            let waits = self.units.get(index).is_some_and(|unit| unit.state() == State::Waiting);
            if waits {
                self.now = Instant::now();
                match self.missing(index) {
                    // A dependency may have ended, or have been told to stop, since this start was queued.
                    Some(_) => self.begin(index),
                    None => self.start(index),
                }
                if self.now.max(Instant::now()) >= end {
                    return;
                }
            }
        }
        self.start_auxiliaries(end);
    }

    fn start(&mut self, index: usize) {
        let (start, pipes) = match self.prepare(index) {
            Ok(prepared) => prepared,
            Err(refusal) => return self.refused(index, refusal),
        };
        self.look_up(index, start, pipes);
    }

    /// Looks up the user, and then opens the listening sockets; forks the process when there is no more to wait for.
    pub(super) fn look_up(&mut self, index: usize, start: Start, pipes: Pipes) {
        match self.spawner.look_up_account(&start.bot) {
            Poll::Ready(run_as) => self.open_sockets(index, start, pipes, run_as),
            Poll::Pending => self.await_start(index, Arc::clone(&start.bot), pipes, Stage::LookUp(start)),
        }
    }

    /// Makes what a start needs of the monitor.
    fn prepare(&mut self, index: usize) -> Result<(Start, Pipes), StartError> {
        let bot = Arc::clone(&self.units[index].bot);
        let (pipes, streams) = self.streams.open(&mut self.units[index]).map_err(no_pipes)?;
        let notify = if bot.ready.has_socket() { Some(self.notify_address(index).map_err(no_pipes)?) } else { None };
        self.remember_file(index);
        let secret = self.secret(index)?;
        let time_to_end = bot.time_to_end().min(self.stop_timeout);
        let cgroup = self.join_cgroup(index);
        Ok((Start { bot, secret, notify, time_to_end, streams, cgroup }, pipes))
    }

    /// Returns the secret of a bot, made when it starts for the first time.
    fn secret(&mut self, index: usize) -> Result<Secret, StartError> {
        let unit = &mut self.units[index];
        if let Some(secret) = &unit.secret {
            return Ok(secret.clone());
        }
        let secret = Secret::random().map_err(|error| StartError {
            text: format!("failed to start `{}`: {}", unit.bot.name, cause(&error)),
            errno: Errno::EAGAIN as i32,
            shortage: true,
        })?;
        Ok(unit.secret.insert(secret).clone())
    }

    /// Forks the process, now that the user is known and the sockets are open.
    pub(super) fn spawn(
        &mut self,
        index: usize,
        start: &Start,
        pipes: Pipes,
        found: Result<(Arc<RunAs>, Vec<Arc<ListenSocket>>), StartError>,
    ) {
        let token = Token::Process(self.units.key(index));
        let spawned = found.and_then(|(run_as, sockets)| self.spawner.spawn(start, &run_as, &sockets));
        let spawned = spawned.and_then(|(child, user)| {
            let watch = |fd: BorrowedFd<'_>| self.reactor.watch(fd, token, EpollFlags::EPOLLIN);
            if let Err(errno) = watch(child.as_fd()).and_then(|()| watch(child.process().as_fd())) {
                // Its outcome or its end would never be known.
                self.unwatch(&child);
                child.kill();
                child.reap();
                return Err(no_pipes(errno));
            }
            self.children.auxiliary.forget_session(child.pid());
            Ok(Stage::Execution(child, user))
        });
        self.now = Instant::now();
        match spawned {
            Ok(stage) => self.await_start(index, Arc::clone(&start.bot), pipes, stage),
            Err(refusal) => self.refused(index, refusal),
        }
    }

    pub(super) fn await_start(&mut self, index: usize, bot: Arc<Bot>, pipes: Pipes, stage: Stage) {
        let is_calm = self.starts.pending.values().all(|start| !start.hangs);
        let check_at = self.now + if is_calm { HANG_TIME } else { NEXT_HANG_TIME };
        self.starts.pending.insert(index, PendingStart { bot, pipes, stage, check_at, hangs: false });
        self.reactor.set_timer(check_at, Timer::Start(self.units.key(index)));
        self.on(index, BotEvent::StartPending { hangs: false });
    }

    /// Looks at a start that has no outcome for long, and reports it once. The timer may have been set for an earlier one.
    pub(in crate::engine) fn check_start(&mut self, key: Key, at: Instant) {
        let index = key.index;
        let is_due = |start: &&mut PendingStart| start.check_at == at;
        let Some(start) = self.starts.pending.get_mut(&index).filter(is_due) else { return };
        start.check_at = self.now + CHECK_INTERVAL;
        self.reactor.set_timer(start.check_at, Timer::Start(key));
        self.take_start(index);
        let Some(start) = self.starts.pending.get_mut(&index).filter(|start| !start.hangs) else { return };
        start.hangs = true;
        log::info!("bot `{}`: {HANGS}", start.bot.name);
        self.on(index, BotEvent::StartPending { hangs: true });
    }

    /// Takes what has been found out about users and groups, and forks the processes that waited for it.
    pub(super) fn take_accounts(&mut self) {
        for (names, run_as) in self.spawner.take_accounts() {
            self.take_auxiliary_accounts(&names, &run_as);
            for index in self.starts.looking_up(&names) {
                let Some((start, pipes)) = self.starts.take_look_up(index) else { continue };
                self.open_sockets(index, start, pipes, run_as.clone());
            }
        }
    }

    /// Takes the outcome of a start whose program is to be executed, if there is one.
    pub(in crate::engine) fn take_start(&mut self, index: usize) {
        let Some(PendingStart { stage: Stage::Execution(child, _), .. }) = self.starts.pending.get(&index) else {
            return;
        };
        let Poll::Ready(outcome) = child.poll() else { return };
        let Some(PendingStart { bot, pipes, stage: Stage::Execution(child, user), .. }) =
            self.starts.pending.remove(&index)
        else {
            return;
        };
        if let Err(failure) = outcome {
            self.unwatch(&child);
            child.reap();
            return self.refused(index, StartError::of(&bot, failure));
        }
        self.reactor.unwatch(&child);
        let (pid, handle) = child.into_process();
        self.children.processes.add(pid, index);
        let run = self.units[index].runs.begin(pid.as_raw(), now_in_ms());
        let outputs = self.streams.keep(self.units.key(index), run, pipes, &self.reactor);
        let (specification, last_output) = (Arc::clone(&bot), LastOutput::default());
        self.started(index, Process { pid, handle, user, specification, outputs, last_output });
        if !Arc::ptr_eq(&bot, &self.units[index].bot) {
            // Its specification is another one by now.
            self.retarget(&BTreeSet::from([index]));
        }
    }

    pub(super) fn unwatch(&self, child: &PendingChild) {
        self.reactor.unwatch(child);
        self.reactor.unwatch(child.process());
    }

    fn started(&mut self, index: usize, process: Process) {
        let unit = &mut self.units[index];
        log::info!("bot `{}` runs as process {}", unit.bot.name, process.pid);
        unit.process = Some(process);
        // It runs what a roll that has failed would have started.
        unit.rolling.take_if(|progress| progress.has_failed());
        self.note_in_journal(index);
        self.on(index, BotEvent::Started);
        self.watch_memory(index);
    }

    /// Has the next monitor know of the bot's process.
    fn note_in_journal(&mut self, index: usize) {
        let unit = &self.units[index];
        let grace = unit.bot.longest_stop();
        let Some(Process { pid, handle, user, .. }) = &unit.process else { return };
        let (pid, identity, user) = (*pid, handle.identity(), *user);
        self.journal.started(pid, identity, user, grace);
    }

    /// Reports a start that has no process.
    fn refused(&mut self, index: usize, refusal: StartError) {
        log::warn!("bot `{}`: {}", self.units[index].bot.name, refusal.text);
        let StartError { text: reason, errno, shortage: is_shortage } = refusal;
        if !is_shortage {
            self.record_failed_start(index, errno, &reason);
        }
        self.on(index, BotEvent::StartFailed { reason, errno, is_shortage });
    }

    /// Ends a pending start: withdraws it if there is no process, and kills the process otherwise, which has an outcome then.
    pub(super) fn end_start(&mut self, index: usize) {
        match self.starts.pending.get(&index).map(|start| &start.stage) {
            Some(Stage::LookUp(_)) => {
                self.starts.pending.remove(&index);
                self.on(index, BotEvent::StartWithdrawn);
            }
            Some(Stage::Execution(child, _)) => child.kill(),
            None => {}
        }
    }
}

pub(super) fn no_pipes(errno: Errno) -> StartError {
    let text = format!("failed to open its pipes: {}", errno.desc().to_lowercase());
    StartError { text, errno: errno as i32, shortage: true }
}
