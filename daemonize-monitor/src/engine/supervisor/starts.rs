//! Starts: begun here, made by another thread, and concluded here, at once or when one that hangs returns.

use super::Supervisor;
use crate::bot::Bot;
use crate::engine::bot_state::{Event, HANGS};
use crate::engine::streams::Pipes;
use crate::engine::token::Token;
use crate::engine::units::Process;
use crate::error::cause;
use crate::program::Refusal;
use crate::secret::Secret;
use crate::spawner::{Begun, Made, Start, Ticket};
use crate::status::State;
use daemonize_core::{Pid, Signal};
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a turn may start programs before it handles what else there is.
const STARTING: Duration = Duration::from_millis(5);

/// The most starts of one program that may hang: its other bots leave the threads to those that may have a better mount.
const MAX_ALIKE: usize = 4;

/// Starts that were not made yet.
#[derive(Default)]
pub(super) struct Starts {
    /// Bots whose programs are to be started.
    queue: VecDeque<usize>,
    /// Starts that hang, by bot.
    pending: BTreeMap<usize, PendingStart>,
    /// Starts that hang and are not wanted any more: they still take a thread each.
    withdrawn: Vec<WithdrawnStart>,
}

/// A start that hangs.
struct PendingStart {
    bot: Arc<Bot>,
    ticket: Ticket<Made>,
    pipes: Pipes,
    /// The program has said so already.
    is_ready: bool,
}

/// A start that hangs and is not wanted any more: there is no process, and will be none.
struct WithdrawnStart {
    bot: Arc<Bot>,
    ticket: Ticket<Made>,
}

impl Starts {
    /// Starts the program of a bot when its turn comes.
    pub(super) fn queue(&mut self, bot: usize) {
        self.queue.push_back(bot);
    }

    /// Does not start a bot that was removed.
    pub(super) fn unqueue(&mut self, bot: usize) {
        self.queue.retain(|other| *other != bot);
    }

    pub(super) fn clear_queue(&mut self) {
        self.queue.clear();
    }

    /// Returns `true` if the start of a bot hangs.
    pub(super) fn is_pending(&self, bot: usize) -> bool {
        self.pending.contains_key(&bot)
    }

    /// Returns `true` if a child is one of those that are being made: it is waited for where it is made.
    pub(super) fn is_starting(&self, child: Pid) -> bool {
        self.pending.values().any(|start| start.ticket.pid() == Some(child))
    }

    /// Notes that a process says that it is ready of which it was only not heard yet that it was made.
    pub(super) fn note_ready(&mut self, bot: usize, sender: Option<Pid>) {
        if let Some(start) = self.pending.get_mut(&bot) {
            start.is_ready |= sender.is_some() && sender == start.ticket.pid();
        }
    }
}

impl Supervisor {
    /// Returns `true` if programs are to be started.
    pub(in crate::engine) fn has_queued_starts(&self) -> bool {
        !self.starts.queue.is_empty()
    }

    /// Starts programs that are due, for a short time: then the turn goes on.
    pub(in crate::engine) fn start_some(&mut self) {
        let end = Instant::now() + STARTING;
        while let Some(index) = self.starts.queue.pop_front() {
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
    }

    fn start(&mut self, index: usize) {
        let (start, pipes) = match self.prepare(index) {
            Ok(prepared) => prepared,
            Err(refusal) => return self.refused(index, refusal),
        };
        let begun = self.spawners.start(start);
        self.now = Instant::now();
        match begun {
            Begun::Over(outcome) => self.conclude(index, pipes, outcome),
            Begun::Hangs(ticket) => {
                let bot = Arc::clone(&self.units[index].bot);
                log::info!("bot `{}`: {HANGS}", bot.name);
                self.starts.pending.insert(index, PendingStart { bot, ticket, pipes, is_ready: false });
                self.on(index, Event::StartHangs);
            }
        }
    }

    /// Prepares a start: pipes, the notify socket and the secret.
    fn prepare(&mut self, index: usize) -> Result<(Start, Pipes), Refusal> {
        let Starts { pending, withdrawn, .. } = &mut self.starts;
        withdrawn.retain(|start| !start.ticket.is_alone());
        let bot = Arc::clone(&self.units[index].bot);
        let hang = pending.values().map(|start| &start.bot).chain(withdrawn.iter().map(|start| &start.bot));
        if hang.filter(|other| is_alike(other, &bot)).count() >= MAX_ALIKE {
            let text = format!("failed to start `{}`: {MAX_ALIKE} others like it hang", bot.name);
            return Err(Refusal { text, errno: Errno::EAGAIN as i32, shortage: true });
        }
        let (pipes, streams) = self.streams.open(&mut self.units[index]).map_err(no_pipes)?;
        let notify = if bot.ready.has_socket() { Some(self.notify_address(index).map_err(no_pipes)?) } else { None };
        self.remember_file(index);
        let secret = self.secret(index)?;
        let time_to_end = bot.time_to_end().min(self.stop_timeout);
        Ok((Start { bot, secret, notify, time_to_end, streams }, pipes))
    }

    /// Returns the secret of a bot, made when it starts for the first time.
    fn secret(&mut self, index: usize) -> Result<Secret, Refusal> {
        let unit = &mut self.units[index];
        if let Some(secret) = &unit.secret {
            return Ok(secret.clone());
        }
        let secret = Secret::random().map_err(|error| Refusal {
            text: format!("failed to start `{}`: {}", unit.bot.name, cause(&error)),
            errno: Errno::EAGAIN as i32,
            shortage: true,
        })?;
        Ok(unit.secret.insert(secret).clone())
    }

    /// Concludes a start that has an outcome.
    fn conclude(&mut self, index: usize, pipes: Pipes, outcome: Result<Made, Refusal>) {
        match outcome.and_then(|made| self.follow(index, made)) {
            Ok(process) => {
                self.streams.keep(self.units.key(index), pipes, &self.reactor);
                self.started(index, process);
            }
            Err(refusal) => self.refused(index, refusal),
        }
    }

    /// Watches the process of a bot for its end.
    fn follow(&mut self, index: usize, made: Made) -> Result<Process, Refusal> {
        let Made { pid, handle, user } = made;
        let token = Token::Process(self.units.key(index));
        if let Err(errno) = self.reactor.watch(&handle, token, EpollFlags::EPOLLIN) {
            // Its end would not be noticed.
            let _ = handle.send_group(pid, Signal::SIGKILL);
            return Err(no_pipes(errno));
        }
        self.children.processes.add(pid, index);
        Ok(Process { pid, handle, user })
    }

    fn started(&mut self, index: usize, process: Process) {
        let unit = &mut self.units[index];
        log::info!("bot `{}` runs as process {}", unit.bot.name, process.pid);
        unit.process = Some(process);
        self.write_down(index);
        self.on(index, Event::Started);
    }

    /// Notes the bot's process for the next monitor.
    fn write_down(&mut self, index: usize) {
        let unit = &self.units[index];
        let grace = unit.bot.longest_stop();
        let Some(Process { pid, handle, user, .. }) = &unit.process else { return };
        let (pid, identity, user) = (*pid, handle.identity(), *user);
        self.journal.started(pid, identity, user, grace);
    }

    /// Reports that there is no process.
    fn refused(&mut self, index: usize, refusal: Refusal) {
        log::warn!("bot `{}`: {}", self.units[index].bot.name, refusal.text);
        let Refusal { text: reason, errno, shortage: is_shortage } = refusal;
        self.on(index, Event::StartFailed { reason, errno, is_shortage });
    }

    /// Concludes the starts that hung and have an outcome now.
    pub(super) fn take_starts(&mut self) {
        let over = |(index, start): (&usize, &PendingStart)| Some((*index, start.ticket.outcome()?));
        let over: Vec<(usize, Result<Made, Refusal>)> = self.starts.pending.iter().filter_map(over).collect();
        for (index, outcome) in over {
            let Some(PendingStart { pipes, is_ready, .. }) = self.starts.pending.remove(&index) else { continue };
            if self.units[index].state() == State::Stopping {
                self.conclude_stopped(index, pipes, outcome);
            } else {
                self.conclude(index, pipes, outcome);
                if is_ready && self.units[index].bot.ready.has_socket() {
                    self.on(index, Event::Ready);
                }
                if self.units[index].bot_state.is_alive() {
                    // Its specification may be another one by now.
                    self.retarget(&BTreeSet::from([index]));
                }
            }
        }
    }

    /// Concludes a start of a bot that was stopped meanwhile.
    fn conclude_stopped(&mut self, index: usize, pipes: Pipes, outcome: Result<Made, Refusal>) {
        match outcome.and_then(|made| self.follow(index, made)) {
            Ok(process) => {
                // It may have executed its program just before it was killed, and have had a child.
                self.streams.keep(self.units.key(index), pipes, &self.reactor);
                self.units[index].process = Some(process);
                self.write_down(index);
                self.on(index, Event::Started);
            }
            Err(Refusal { text: reason, errno, shortage: is_shortage }) => {
                self.on(index, Event::StartFailed { reason, errno, is_shortage });
            }
        }
    }

    /// Withdraws the start of a bot if it hangs.
    pub(super) fn end_start(&mut self, index: usize) {
        let Starts { pending, withdrawn, .. } = &mut self.starts;
        if pending.get(&index).is_some_and(|start| start.ticket.end()) {
            // There was no process yet.
            let start = pending.remove(&index);
            withdrawn.extend(start.map(|PendingStart { bot, ticket, .. }| WithdrawnStart { bot, ticket }));
            self.on(index, Event::StartWithdrawn);
        }
    }
}

/// Returns `true` if one start hangs when the other does.
fn is_alike(one: &Bot, other: &Bot) -> bool {
    (&one.command, &one.directory, &one.user) == (&other.command, &other.directory, &other.user)
}

fn no_pipes(errno: Errno) -> Refusal {
    let text = format!("failed to open its pipes: {}", errno.desc().to_lowercase());
    Refusal { text, errno: errno as i32, shortage: true }
}
