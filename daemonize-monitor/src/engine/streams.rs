//! The streams of bots: output that becomes lines of a log, and events that are counted.

use super::descriptors;
use super::reactor::Reactor;
use super::slots::{Key, Slots};
use super::token::Token;
use super::units::{Unit, Units};
use crate::bot::{LogTarget, Ready};
use crate::logs::{Follower, LineBuffer, Logs, Target};
use crate::spawner::{Stream as End, Streams as Ends};
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
const PIECE: usize = 64 * 1024;

/// The longest name of an event that is put together from two pieces.
const LONGEST_EVENT: usize = 256;

/// The streams of all bots, and their readers.
pub(super) struct Streams {
    pipes: Slots<Stream>,
    logs: Logs,
    /// Readers of bots' lines, by bot.
    followers: Vec<(usize, Follower)>,
    /// Memory that every read uses again.
    piece: Box<[u8]>,
    lines: Vec<u8>,
}

/// The end of a pipe that the monitor reads.
struct Stream {
    fd: OwnedFd,
    bot: Key,
    kind: Kind,
}

enum Kind {
    /// stdout (1) or stderr (2).
    Output(u8, Target, LineBuffer),
    /// Events, with what has come of a name whose line has not ended.
    Events(Vec<u8>),
}

/// The monitor's ends of the pipes of a start, until it is known to have succeeded.
pub(super) struct Pipes(Vec<(OwnedFd, Kind)>);

impl Default for Streams {
    fn default() -> Streams {
        let piece = vec![0; PIECE].into_boxed_slice();
        let (pipes, logs) = (Slots::default(), Logs::default());
        Streams { pipes, logs, followers: Vec::new(), piece, lines: Vec::new() }
    }
}

impl Streams {
    /// Makes the pipes for a start: the monitor's ends, and the bot's.
    pub(super) fn open(&mut self, unit: &mut Unit) -> nix::Result<(Pipes, Ends)> {
        let (bot, ring) = (&unit.bot, &unit.ring);
        let mut ours = Vec::with_capacity(3);
        let mut pipe = |kind: Kind| {
            let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
            // The bot can read its pipe, too (`/proc/self/fd/1`), and empty it between our look and our read. Only our end:
            // the flag is the description's, and programs expect a stdout that blocks.
            fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            ours.push((read, kind));
            Ok::<_, Errno>(End::Pipe(write))
        };
        // Readiness is in its output, which has to be read then.
        let is_watched = matches!(bot.ready, Ready::Output(_));
        let mut end = |which: u8, log: &LogTarget, own: BorrowedFd<'static>| match log {
            LogTarget::Inherit if !is_watched => Ok(End::Own(own)),
            LogTarget::Null if !is_watched => Ok(End::Null),
            LogTarget::Null | LogTarget::Inherit => {
                pipe(Kind::Output(which, Target::Ring(ring.clone()), LineBuffer::default()))
            }
            log => match self.logs.target(log, ring, bot.user.as_deref()) {
                Some(target) => pipe(Kind::Output(which, target, LineBuffer::default())),
                None => Ok(End::Null),
            },
        };
        let stdout = end(1, &bot.stdout, own_stdout())?;
        let stderr = if bot.stderr == LogTarget::Stdout { End::Same } else { end(2, &bot.stderr, own_stderr())? };
        let events = pipe(Kind::Events(Vec::new()))?;
        descriptors::leaves_room(ours.iter().map(|(fd, _)| fd))?;
        unit.targets = ours
            .iter()
            .filter_map(|(_, kind)| match kind {
                Kind::Output(_, target, _) => Some(target.clone()),
                Kind::Events(_) => None,
            })
            .collect();
        Ok((Pipes(ours), Ends([End::Null, stdout, stderr, events])))
    }

    /// Reads these pipes of a bot from now on.
    pub(super) fn keep(&mut self, bot: Key, pipes: Pipes, reactor: &Reactor) {
        for (fd, kind) in pipes.0 {
            let key = self.pipes.insert(Stream { fd, bot, kind });
            // Room for the watch was there when that of the process was made; without it the pipe is closed, and the bot
            // finds no reader.
            if let Err(errno) = reactor.watch(&self.pipes[key.index].fd, Token::Stream(key), EpollFlags::EPOLLIN) {
                log::warn!("failed to read what a bot says: {}", errno.desc());
                self.pipes.remove(key.index);
            }
        }
    }

    /// Reads one piece of a pipe, or finds its end. A pipe has one piece per turn, so that no bot keeps others waiting. Returns
    /// the bot if its output says that it is ready.
    pub(super) fn read(&mut self, key: Key, units: &mut Units, reactor: &Reactor, now: Instant) -> Option<usize> {
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
                count(partial, piece, |name, times| owner.counts.report(name, times, now));
            }
            (Kind::Output(_, target, lines), owner) => {
                let lines = match length {
                    0 => lines.end(&mut self.lines),
                    _ => lines.push(piece, &mut self.lines),
                };
                match target {
                    Target::Ring(ring) => ring.borrow_mut().push(lines),
                    Target::File(sink) => sink.borrow_mut().write(lines, now),
                }
                if !self.followers.is_empty() && !lines.is_empty() {
                    self.followers.retain(|(followed, follower)| *followed != bot || follower.send(lines));
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
    pub(super) fn retarget(&mut self, bots: &BTreeSet<usize>, units: &mut Units) {
        for bot in bots {
            units[*bot].targets.clear();
        }
        for stream in self.pipes.values_mut() {
            let Kind::Output(which, target, _) = &mut stream.kind else { continue };
            let Some(unit) = units.get_mut(stream.bot.index).filter(|_| bots.contains(&stream.bot.index)) else {
                continue;
            };
            let log = if *which == 1 { &unit.bot.stdout } else { &unit.bot.stderr };
            if let Some(new) = self.logs.target(log, &unit.ring, unit.bot.user.as_deref()) {
                unit.targets.push(new.clone());
                *target = new;
            }
        }
    }

    /// Reopens all log files.
    pub(super) fn reopen_logs(&self) {
        self.logs.reopen();
    }

    /// Sends the lines of these bots to a follower. Returns how many followers there are.
    pub(super) fn follow(&mut self, bots: Vec<usize>, follower: &Follower) -> usize {
        self.followers.extend(bots.into_iter().map(|bot| (bot, follower.clone())));
        self.followers.len()
    }

    /// Drops the followers that have gone. Returns how many are left.
    pub(super) fn drop_closed_followers(&mut self) -> usize {
        self.followers.retain(|(_, follower)| !follower.is_closed());
        self.followers.len()
    }

    /// Drops the followers of a bot that was removed.
    pub(super) fn drop_followers(&mut self, bot: usize) {
        self.followers.retain(|(other, _)| *other != bot);
    }

    /// Stops reading what the descendants of removed bots may still say.
    pub(super) fn close_removed(&mut self, units: &Units, reactor: &Reactor) {
        let is_left = |(index, stream): (usize, &Stream)| (!units.contains(stream.bot)).then_some(index);
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

/// Counts the lines of a piece by their names; equal ones in a row at once. What follows the last line is kept.
fn count(partial: &mut Vec<u8>, piece: &[u8], mut report: impl FnMut(&[u8], u64)) {
    let mut rest = piece;
    if !partial.is_empty() || piece.is_empty() {
        let end = memchr::memchr(b'\n', piece).map_or(piece.len(), |end| end + 1);
        let (line, after) = piece.split_at(end);
        partial.extend_from_slice(line);
        if !line.ends_with(b"\n") && !piece.is_empty() {
            // A name without an end is not remembered for ever.
            return partial.truncate(LONGEST_EVENT);
        }
        let whole = std::mem::take(partial);
        let name = whole.trim_ascii();
        if !name.is_empty() {
            report(name, 1);
        }
        rest = after;
    }
    let (mut last, mut times): (&[u8], u64) = (b"", 0);
    while !rest.is_empty() {
        // The same again, as it often is, is found without looking for its end.
        if times > 0 && rest.len() > last.len() && rest[last.len()] == b'\n' && rest.starts_with(last) {
            times += 1;
            rest = &rest[last.len() + 1..];
            continue;
        }
        let Some(end) = memchr::memchr(b'\n', rest) else {
            partial.extend_from_slice(&rest[..rest.len().min(LONGEST_EVENT)]);
            break;
        };
        let name = rest[..end].trim_ascii();
        rest = &rest[end + 1..];
        if name == last {
            times += 1;
            continue;
        }
        if times > 0 && !last.is_empty() {
            report(last, times);
        }
        (last, times) = (name, 1);
    }
    if times > 0 && !last.is_empty() {
        report(last, times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn counted(pieces: &[&[u8]]) -> BTreeMap<Vec<u8>, u64> {
        let (mut partial, mut found) = (Vec::new(), BTreeMap::new());
        for piece in pieces.iter().chain([&&b""[..]]) {
            count(&mut partial, piece, |name, times| *found.entry(name.to_vec()).or_default() += times);
        }
        found
    }

    #[test]
    fn names_are_counted_by_line() {
        let found = counted(&[b"a\na\nb\n\n  a \nab\na", b"b\na\nlast"]);
        let expected = [("a", 4), ("ab", 2), ("b", 1), ("last", 1)];
        assert_eq!(found, expected.map(|(name, times)| (name.as_bytes().to_vec(), times)).into());
    }

    #[test]
    fn a_name_without_an_end_takes_no_more_memory() {
        let mut partial = Vec::new();
        for _ in 0..100 {
            count(&mut partial, &[b'x'; 1000], |_, _| panic!("it has not ended"));
            assert!(partial.len() <= LONGEST_EVENT);
        }
    }

    proptest! {
        /// However the pieces are cut, the counts are those of the lines.
        #[test]
        fn counts_do_not_depend_on_how_lines_come(
            names in proptest::collection::vec("[ab]{0,3}", 0..60),
            cuts in proptest::collection::vec(0..200_usize, 0..8),
        ) {
            let text = names.iter().flat_map(|name| [name.as_str(), "\n"]).collect::<String>();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            // A piece is never empty, unless the pipe is at its end.
            let pieces = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).filter(|piece| !piece.is_empty());
            let mut expected = BTreeMap::new();
            for name in names.iter().filter(|name| !name.is_empty()) {
                *expected.entry(name.as_bytes().to_vec()).or_default() += 1;
            }
            prop_assert_eq!(counted(&pieces.collect::<Vec<_>>()), expected);
        }
    }
}
