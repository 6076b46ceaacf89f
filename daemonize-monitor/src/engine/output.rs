//! Reads the pipes of bots: stdout and stderr become lines of logs, which are rotated there, and events are counted.

use super::bot_table::BotTable;
use super::descriptor_limit;
use super::event_lines;
use super::followers::Followers;
use super::reactor::Reactor;
use super::slab::{Key, Slab};
use super::supervised_bot::SupervisedBot;
use super::token::Token;
use crate::bot::{Bot, LogTarget, Ready};
use crate::logs::{LineBuffer, LineStamp, LogSource, Logs, OutputStream, Target, now_in_ms};
use crate::spawner::{ChildStream, ChildStreams};
use crate::status::State;
use memchr::memmem;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::epoll::EpollFlags;
use nix::unistd::{pipe2, read};
use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

/// How many bytes are read at once: as many as a pipe holds.
const READ_BUFFER_SIZE: usize = 64 * 1024;

/// The streams of all bots, and their readers.
pub(super) struct BotOutput {
    pipes: Slab<MonitorPipe>,
    logs: Logs,
    pub(super) followers: Followers,
    /// Memory that every read uses again.
    piece: Box<[u8]>,
    lines: Vec<u8>,
}

/// The end of a pipe that the monitor reads.
struct MonitorPipe {
    fd: OwnedFd,
    bot: Key,
    kind: Kind,
}

enum Kind {
    Output(OutputPipe),
    /// Events, with what has come of a name whose line has not ended.
    Events(Vec<u8>),
}

/// A pipe of stdout or stderr.
struct OutputPipe {
    stream: OutputStream,
    /// `true` if both streams are in it.
    is_shared: bool,
    /// The number of the bot's run; 0 until its program is executed.
    run: u32,
    target: Target,
    lines: LineBuffer,
}

impl OutputPipe {
    fn stamp(&self) -> LineStamp {
        LineStamp { time: now_in_ms(), run: self.run, stream: Some(self.stream).filter(|_| !self.is_shared) }
    }
}

/// The monitor's ends of the pipes of a start, until it is known to have succeeded.
pub(super) struct Pipes(Vec<(OwnedFd, Kind)>);

impl Default for BotOutput {
    fn default() -> BotOutput {
        let piece = vec![0; READ_BUFFER_SIZE].into_boxed_slice();
        let (pipes, logs) = (Slab::default(), Logs::default());
        BotOutput { pipes, logs, followers: Followers::default(), piece, lines: Vec::new() }
    }
}

impl BotOutput {
    /// Makes the pipes for a start: the monitor's ends, and the bot's.
    pub(super) fn open(&mut self, unit: &mut SupervisedBot) -> nix::Result<(Pipes, ChildStreams)> {
        let (bot, ring) = (&unit.bot, &unit.ring);
        let mut ours = Vec::with_capacity(3);
        let mut pipe = |kind: Kind| {
            let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
            // The bot can read its pipe, too (`/proc/self/fd/1`), and empty it between our look and our read. Only our end:
            // the flag is the description's, and programs expect a stdout that blocks.
            fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            ours.push((read, kind));
            Ok::<_, Errno>(ChildStream::Pipe(write))
        };
        // Some output is read even if it is kept nowhere: readiness may be in it, or it is shown.
        let (is_watched, is_shown) = (matches!(bot.ready, Ready::Output(_)), self.followers.has_console());
        let is_shared = bot.stderr == LogTarget::Stdout;
        let mut end = |stream: OutputStream, log: &LogTarget, own: BorrowedFd<'static>| {
            let lines = LineBuffer::default();
            let kind = |target| Kind::Output(OutputPipe { stream, is_shared, run: 0, target, lines });
            match log {
                LogTarget::Inherit if !is_watched && !is_shown => Ok(ChildStream::Own(own)),
                LogTarget::Null if !is_watched => Ok(ChildStream::Null),
                LogTarget::Null | LogTarget::Inherit => pipe(kind(Target::Ring(ring.clone()))),
                log => match self.logs.target(log, ring, bot.user.as_deref()) {
                    Some(target) => pipe(kind(target)),
                    None => Ok(ChildStream::Null),
                },
            }
        };
        let stdout = end(OutputStream::Stdout, &bot.stdout, own_stdout())?;
        let stderr = if is_shared { ChildStream::Same } else { end(OutputStream::Stderr, &bot.stderr, own_stderr())? };
        let events = pipe(Kind::Events(Vec::new()))?;
        descriptor_limit::leaves_room(ours.iter().map(|(fd, _)| fd))?;
        unit.targets = [None, None];
        for (_, kind) in &ours {
            if let Kind::Output(pipe) = kind {
                unit.targets[pipe.stream as usize] = Some(pipe.target.clone());
            }
        }
        Ok((Pipes(ours), ChildStreams([ChildStream::Null, stdout, stderr, events])))
    }

    /// Reads these pipes of a run of a bot from now on. Returns those of its stdout and stderr.
    pub(super) fn keep(&mut self, bot: Key, run: u32, pipes: Pipes, reactor: &Reactor) -> [Option<Key>; 2] {
        let mut outputs = [None; 2];
        for (fd, mut kind) in pipes.0 {
            let which = match &mut kind {
                Kind::Output(pipe) => {
                    pipe.run = run;
                    Some(pipe.stream as usize)
                }
                Kind::Events(_) => None,
            };
            let key = self.pipes.insert(MonitorPipe { fd, bot, kind });
            // Room for the watch was there when that of the process was made; without it the pipe is closed, and the bot
            // finds no reader.
            if let Err(errno) = reactor.watch(&self.pipes[key.index].fd, Token::Stream(key), EpollFlags::EPOLLIN) {
                log::warn!("failed to read what a bot says: {}", errno.desc());
                self.pipes.remove(key.index);
            } else if let Some(which) = which {
                outputs[which] = Some(key);
            }
        }
        outputs
    }

    /// Reads one piece of a pipe, or finds its end. A pipe has one piece per turn, so that no bot keeps others waiting. Returns
    /// the bot if its output says that it is ready.
    pub(super) fn read(&mut self, key: Key, units: &mut BotTable, reactor: &Reactor, now: Instant) -> Option<usize> {
        let stream = self.pipes.current_mut(key)?;
        let length = match read(&stream.fd, &mut self.piece) {
            Ok(length) => length,
            Err(Errno::EINTR | Errno::EAGAIN) => return None,
            Err(_) => 0,
        };
        let piece = &self.piece[..length];
        let bot = stream.bot.index;
        let owner = units.current_mut(stream.bot);
        let mut is_ready = false;
        match (&mut stream.kind, owner) {
            (Kind::Events(partial), Some(owner)) => {
                event_lines::count(partial, piece, |name, times| owner.counts.report(name, times, now));
            }
            (Kind::Output(pipe), mut owner) => {
                let stamp = pipe.stamp();
                let lines = match length {
                    0 => pipe.lines.end(&mut self.lines),
                    _ => pipe.lines.push(piece, &mut self.lines),
                };
                match &pipe.target {
                    Target::Ring(ring) => ring.borrow_mut().push(lines, stamp),
                    Target::File(sink) => {
                        sink.borrow_mut().write(lines, now, owner.as_ref().map(|owner| (stamp, &*owner.bot.name)));
                    }
                }
                if let Some(owner) = &mut owner {
                    self.followers.send_lines(bot, &owner.bot, stamp, lines);
                    owner.note_output(key, lines);
                }
                is_ready = owner.is_some_and(|owner| match &owner.bot.ready {
                    Ready::Output(text) if owner.state() == State::Starting => {
                        memmem::find(lines, text.as_bytes()).is_some()
                    }
                    _ => false,
                });
            }
            (Kind::Events(_), None) => {}
        }
        if length == 0 {
            self.close(key.index, reactor);
        }
        is_ready.then_some(bot)
    }

    /// Sends the output of these bots where their specifications say, which have changed. One look at all pipes is enough for
    /// all.
    pub(super) fn retarget(&mut self, bots: &BTreeSet<usize>, units: &mut BotTable) {
        for bot in bots {
            units[*bot].targets = [None, None];
        }
        for stream in self.pipes.values_mut() {
            let Kind::Output(pipe) = &mut stream.kind else { continue };
            let Some(unit) = units.get_mut(stream.bot.index).filter(|_| bots.contains(&stream.bot.index)) else {
                continue;
            };
            let log = if pipe.stream == OutputStream::Stdout { &unit.bot.stdout } else { &unit.bot.stderr };
            if let Some(new) = self.logs.target(log, &unit.ring, unit.bot.user.as_deref()) {
                unit.targets[pipe.stream as usize] = Some(new.clone());
                pipe.target = new;
            }
        }
    }

    /// Reopens all log files.
    pub(super) fn reopen_logs(&self) {
        self.logs.reopen();
    }

    /// Returns the log files of a bot.
    pub(super) fn files(&self, unit: &SupervisedBot) -> Vec<LogSource> {
        let Bot { stdout, stderr, user, .. } = &*unit.bot;
        let streams = [(stdout, OutputStream::Stdout), (stderr, OutputStream::Stderr)];
        let is_shared = *stderr == LogTarget::Stdout;
        let source = |(target, stream): (&LogTarget, OutputStream)| match target {
            LogTarget::File(log) => Some(self.logs.source(log, user.as_deref(), Some(stream).filter(|_| !is_shared))),
            _ => None,
        };
        streams.into_iter().filter_map(source).collect()
    }

    /// Stops reading what the descendants of removed bots may still say.
    pub(super) fn close_removed(&mut self, units: &BotTable, reactor: &Reactor) {
        let is_left = |(index, stream): (usize, &MonitorPipe)| (!units.contains(stream.bot)).then_some(index);
        let left: Vec<usize> = self.pipes.iter().filter_map(is_left).collect();
        for index in left {
            self.close(index, reactor);
        }
    }

    fn close(&mut self, index: usize, reactor: &Reactor) {
        if let Some(stream) = self.pipes.remove(index) {
            reactor.unwatch(&stream.fd);
        }
    }
}

fn own_stdout() -> BorrowedFd<'static> {
    static STDOUT: std::sync::OnceLock<std::io::Stdout> = std::sync::OnceLock::new();
    STDOUT.get_or_init(std::io::stdout).as_fd()
}

fn own_stderr() -> BorrowedFd<'static> {
    static STDERR: std::sync::OnceLock<std::io::Stderr> = std::sync::OnceLock::new();
    STDERR.get_or_init(std::io::stderr).as_fd()
}
