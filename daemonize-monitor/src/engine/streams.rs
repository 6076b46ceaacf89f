//! The pipes of bots: output that becomes lines of a log, and events that are counted.

use super::{Engine, GENERATIONS, Slot, Token, descriptors};
use crate::bot::{LogTarget, Ready};
use crate::logs::{Lines, Target};
use crate::spawner::{Stream as End, Streams};
use crate::status::State;
use memchr::memmem;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::epoll::EpollFlags;
use nix::unistd::{pipe2, read};
use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What is read at once: as much as a pipe holds.
const PIECE: usize = 64 * 1024;

/// The longest name of an event that is put together from two pieces.
const LONGEST_EVENT: usize = 256;

/// The end of a pipe that we read.
pub(super) struct Stream {
    fd: OwnedFd,
    unit: usize,
    generation: u32,
    kind: Kind,
}

enum Kind {
    /// stdout (1) or stderr (2).
    Output(u8, Target, Lines),
    /// Events, with what has come of a name whose line has not ended.
    Events(Vec<u8>),
}

/// Memory that every turn uses again.
pub(super) struct Buffers {
    piece: Box<[u8]>,
    lines: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Buffers {
        Buffers { piece: vec![0; PIECE].into_boxed_slice(), lines: Vec::new() }
    }
}

/// Our ends of the pipes of a start, until it is known to have succeeded.
pub(super) struct Pipes(Vec<(OwnedFd, Kind)>);

impl Engine {
    /// Makes the pipes for a start: our ends, and the bot's.
    pub(super) fn pipes(&mut self, index: usize) -> nix::Result<(Pipes, Streams)> {
        let unit = self.units[index].value.as_mut().expect("it is about to start");
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
        // Readiness is in its output: somebody has to look.
        let is_watched = matches!(bot.ready, Ready::Output(_));
        let mut end = |which: u8, log: &LogTarget, own: BorrowedFd<'static>| match log {
            LogTarget::Inherit if !is_watched => Ok(End::Own(own)),
            LogTarget::Null if !is_watched => Ok(End::Null),
            LogTarget::Null | LogTarget::Inherit => {
                pipe(Kind::Output(which, Target::Ring(ring.clone()), Lines::default()))
            }
            log => match self.logs.target(log, ring, bot.user.as_deref()) {
                Some(target) => pipe(Kind::Output(which, target, Lines::default())),
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
        Ok((Pipes(ours), Streams([End::Null, stdout, stderr, events])))
    }

    /// Reads these pipes from now on.
    pub(super) fn keep(&mut self, unit: usize, pipes: Pipes) {
        let generation = self.units[unit].generation;
        for (fd, kind) in pipes.0 {
            let index = self.free_streams.pop().unwrap_or_else(|| {
                self.streams.push(Slot { generation: 0, value: None });
                self.streams.len() - 1
            });
            let token = Token::Stream(index, self.streams[index].generation);
            // Room for the watch was there when that of the process was made; without it the pipe is closed, and the bot
            // finds nobody who reads.
            if let Err(errno) = self.watch(&fd, token, EpollFlags::EPOLLIN) {
                log::warn!("failed to read what a bot says: {}", errno.desc());
                self.free_streams.push(index);
                continue;
            }
            self.streams[index].value = Some(Stream { fd, unit, generation, kind });
        }
    }

    /// A pipe has something to read, or is at its end. One piece per turn: nobody who says much keeps others waiting.
    pub(super) fn take_piece(&mut self, index: usize, generation: u32) {
        let Some(slot) = self.streams.get_mut(index) else { return };
        let Some(stream) = slot.value.as_mut().filter(|_| slot.generation % GENERATIONS == generation) else { return };
        let length = match read(&stream.fd, &mut self.buffers.piece) {
            Ok(length) => length,
            Err(Errno::EINTR | Errno::EAGAIN) => return,
            Err(_) => 0,
        };
        let piece = &self.buffers.piece[..length];
        let (unit, now) = (stream.unit, self.now);
        let is_known = self.units[unit].generation == stream.generation;
        let owner = self.units[unit].value.as_mut().filter(|_| is_known);
        let mut is_ready = false;
        match (&mut stream.kind, owner) {
            (Kind::Events(partial), Some(owner)) => {
                count(partial, piece, |name, times| owner.counts.report(name, times, now));
            }
            (Kind::Output(_, target, lines), owner) => {
                let lines = match length {
                    0 => lines.end(&mut self.buffers.lines),
                    _ => lines.push(piece, &mut self.buffers.lines),
                };
                match target {
                    Target::Ring(ring) => ring.borrow_mut().push(lines),
                    Target::File(sink) => sink.borrow_mut().write(lines, now),
                }
                if !self.followers.is_empty() && !lines.is_empty() {
                    self.followers.retain(|(followed, follower)| *followed != unit || follower.take(lines));
                }
                is_ready = owner.is_some_and(|owner| match &owner.bot.ready {
                    Ready::Output(text) if owner.state == State::Starting => {
                        memmem::find(lines, text.as_bytes()).is_some()
                    }
                    _ => false,
                });
            }
            (Kind::Events(_), None) => {}
        }
        if length == 0 {
            self.drop_stream(index);
        }
        if is_ready {
            self.become_ready(unit);
        }
    }

    /// The specification of these bots has changed: where their pipes go now. One look at all pipes is enough for all.
    pub(super) fn retarget(&mut self, bots: &BTreeSet<usize>) {
        for index in bots {
            self.unit_mut(*index).targets.clear();
        }
        for stream in self.streams.iter_mut().filter_map(|slot| slot.value.as_mut()) {
            let Kind::Output(which, target, _) = &mut stream.kind else { continue };
            let Some(unit) = self.units[stream.unit].value.as_mut().filter(|_| bots.contains(&stream.unit)) else {
                continue;
            };
            let log = if *which == 1 { &unit.bot.stdout } else { &unit.bot.stderr };
            if let Some(new) = self.logs.target(log, &unit.ring, unit.bot.user.as_deref()) {
                unit.targets.push(new.clone());
                *target = new;
            }
        }
    }

    fn drop_stream(&mut self, index: usize) {
        let slot = &mut self.streams[index];
        slot.generation = slot.generation.wrapping_add(1);
        if let Some(stream) = slot.value.take() {
            // Closing does not do that while a child that is being made has a copy.
            let _ = self.epoll.delete(&stream.fd);
        }
        self.free_streams.push(index);
    }

    /// Stops reading what the descendants of forgotten bots may still say.
    pub(super) fn drop_streams_of_forgotten(&mut self) {
        let is_left = |stream: &Stream| self.units[stream.unit].generation != stream.generation;
        let is_left = |index: &usize| self.streams[*index].value.as_ref().is_some_and(is_left);
        let left: Vec<usize> = (0..self.streams.len()).filter(is_left).collect();
        for index in left {
            self.drop_stream(index);
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
