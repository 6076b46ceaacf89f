//! Starts: begun here, done by another thread, and concluded here, at once or when one that hangs comes back.

use super::bot_state::{Event, HANGS};
use super::streams::Pipes;
use super::supervisor::Supervisor;
use super::token::Token;
use super::units::Process;
use crate::bot::Bot;
use crate::error::cause;
use crate::program::Refusal;
use crate::secret::Secret;
use crate::spawner::{Begun, Made, Start, Ticket};
use crate::status::State;
use daemonize_core::{Pid, Signal};
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a turn may start programs before it handles what else there is.
const STARTING: Duration = Duration::from_millis(5);

/// So many starts of one program may hang: its other bots leave the threads to those that may have a better mount.
const ALIKE: usize = 4;

/// A start that hangs.
pub(super) struct Making {
    bot: Arc<Bot>,
    ticket: Ticket<Made>,
    pipes: Pipes,
    /// The program has said so already.
    is_ready: bool,
}

/// A start that hangs, and that nobody wants any more: there is no process, and will be none.
pub(super) struct Abandoned {
    bot: Arc<Bot>,
    ticket: Ticket<Made>,
}

impl Making {
    /// Returns the process that the start makes or has made, if there is one.
    pub(super) fn pid(&self) -> Option<Pid> {
        self.ticket.pid()
    }
}

impl Supervisor {
    /// Starts programs that are due, but looks at the rest of the world every now and then.
    pub(super) fn start_some(&mut self) {
        let end = Instant::now() + STARTING;
        while let Some(index) = self.starting.pop_front() {
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
                self.making.insert(index, Making { bot, ticket, pipes, is_ready: false });
                self.on(index, Event::StartHangs);
            }
        }
    }

    /// What a start needs of us.
    fn prepare(&mut self, index: usize) -> Result<(Start, Pipes), Refusal> {
        self.abandoned.retain(|start| !start.ticket.is_alone());
        let bot = Arc::clone(&self.units[index].bot);
        let hang = self.making.values().map(|making| &making.bot).chain(self.abandoned.iter().map(|start| &start.bot));
        if hang.filter(|other| is_alike(other, &bot)).count() >= ALIKE {
            let text = format!("failed to start `{}`: {ALIKE} others like it hang", bot.name);
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

    /// A start has an outcome.
    fn conclude(&mut self, index: usize, pipes: Pipes, outcome: Result<Made, Refusal>) {
        match outcome.and_then(|made| self.follow(index, made)) {
            Ok(process) => {
                self.streams.keep(self.units.key(index), pipes, &self.reactor);
                self.started(index, process);
            }
            Err(refusal) => self.refused(index, refusal),
        }
    }

    /// The process of a bot, of whose end we shall hear.
    fn follow(&mut self, index: usize, made: Made) -> Result<Process, Refusal> {
        let Made { pid, handle, user } = made;
        let token = Token::Process(self.units.key(index));
        if let Err(errno) = self.reactor.watch(&handle, token, EpollFlags::EPOLLIN) {
            // Nobody would hear of its end.
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

    /// Has the next monitor know of the bot's process.
    fn write_down(&mut self, index: usize) {
        let unit = &self.units[index];
        let grace = unit.bot.longest_stop();
        let Some(Process { pid, handle, user, .. }) = &unit.process else { return };
        let (pid, identity, user) = (*pid, handle.identity(), *user);
        self.journal.started(pid, identity, user, grace);
    }

    /// There is no process.
    fn refused(&mut self, index: usize, refusal: Refusal) {
        log::warn!("bot `{}`: {}", self.units[index].bot.name, refusal.text);
        let Refusal { text: reason, errno, shortage: is_shortage } = refusal;
        self.on(index, Event::StartFailed { reason, errno, is_shortage });
    }

    /// Starts that hung are over, some of them.
    pub(super) fn take_starts(&mut self) {
        let over = |(index, making): (&usize, &Making)| Some((*index, making.ticket.outcome()?));
        let over: Vec<(usize, Result<Made, Refusal>)> = self.making.iter().filter_map(over).collect();
        for (index, outcome) in over {
            let Some(Making { pipes, is_ready, .. }) = self.making.remove(&index) else { continue };
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

    /// A start has an outcome that nobody wants any more.
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

    /// Whether the bot's start hangs.
    pub(super) fn is_being_made(&self, index: usize) -> bool {
        self.making.contains_key(&index)
    }

    /// Ends a start that hangs, if the bot's does.
    pub(super) fn end_start(&mut self, index: usize) {
        if self.making.get(&index).is_some_and(|making| making.ticket.end()) {
            // There was no process yet.
            let making = self.making.remove(&index);
            self.abandoned.extend(making.map(|Making { bot, ticket, .. }| Abandoned { bot, ticket }));
            self.on(index, Event::StartWithdrawn);
        }
    }

    /// A process says that it is ready of which we have only not heard yet that it was made.
    pub(super) fn remember_ready(&mut self, index: usize, sender: Option<Pid>) {
        if let Some(making) = self.making.get_mut(&index) {
            making.is_ready |= sender.is_some() && sender == making.ticket.pid();
        }
    }
}

/// Whether one start hangs because another does.
fn is_alike(one: &Bot, other: &Bot) -> bool {
    (&one.command, &one.directory, &one.user) == (&other.command, &other.directory, &other.user)
}

fn no_pipes(errno: Errno) -> Refusal {
    let text = format!("failed to open its pipes: {}", errno.desc().to_lowercase());
    Refusal { text, errno: errno as i32, shortage: true }
}
