//! The last lines of a bot in memory: a bounded ring, in which each line has its time, stream and run.

use super::line_stamp::{LineStamp, OutputStream};
use super::truncate::prefix;
use memchr::{memchr, memrchr};
use std::collections::VecDeque;

/// The capacity of a ring, for lines and their stamps.
const RING_BYTES: usize = 8192;
/// The part of the capacity that the stamp of a group of lines takes.
const STAMP_BYTES: usize = std::mem::size_of::<LineGroup>();

/// The maximum length of one line in a ring, so that one long line does not displace all others.
const MAX_LINE_BYTES: usize = 4096 - STAMP_BYTES;
/// The space reserved for the note of omitted bytes in a truncated line.
const NOTE_BYTES: usize = 40;

/// The last lines of one bot. Takes no memory until the first line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    bytes: Vec<u8>,
    /// The stamps of the lines, each for a number of bytes.
    #[allow(clippy::box_collection)] // One pointer for each bot without lines in memory.
    groups: Option<Box<VecDeque<LineGroup>>>,
}

/// Lines in a row that have one stamp, whose fields are repeated here so that a group takes 16 bytes.
#[derive(Clone, Copy, Debug)]
struct LineGroup {
    time: u64,
    run: u32,
    /// Their length in bytes, at most [`RING_BYTES`].
    length: u16,
    stream: Option<OutputStream>,
}

impl LineGroup {
    fn stamp(&self) -> LineStamp {
        LineStamp { time: self.time, run: self.run, stream: self.stream }
    }
}

impl Ring {
    /// Adds whole lines and drops the oldest ones. A line over [`MAX_LINE_BYTES`] is truncated, with a note of the omitted bytes.
    pub(crate) fn push(&mut self, lines: &[u8], stamp: LineStamp) {
        let (kept, are_short) = newest(lines);
        if kept.len() < lines.len() {
            // A newer line is dropped, so all older ones are, too: the ring has no gaps.
            self.bytes.clear();
            self.groups = None;
        }
        if are_short {
            return self.add(kept, stamp);
        }
        let mut short = Vec::with_capacity(RING_BYTES);
        for line in kept.split_inclusive(|byte| *byte == b'\n') {
            if line.len() <= MAX_LINE_BYTES {
                short.extend_from_slice(line);
            } else {
                short.extend_from_slice(&shortened(line));
            }
        }
        self.add(&short, stamp);
    }

    /// Adds lines that fit once the oldest ones are dropped.
    #[allow(clippy::cast_possible_truncation)] // A ring has fewer bytes.
    fn add(&mut self, lines: &[u8], stamp: LineStamp) {
        if lines.is_empty() {
            return;
        }
        let joins = self.last_group().is_some_and(|last| last.stamp() == stamp);
        self.make_room(lines.len() + if joins { 0 } else { STAMP_BYTES });
        self.bytes.extend_from_slice(lines);
        let groups = self.groups.get_or_insert_default();
        match groups.back_mut() {
            Some(last) if last.stamp() == stamp => last.length += lines.len() as u16,
            _ => {
                if groups.is_empty() {
                    // Most bots print little, and a thousand of them should not take more than they need.
                    groups.reserve_exact(1);
                }
                let LineStamp { time, run, stream } = stamp;
                groups.push_back(LineGroup { time, run, length: lines.len() as u16, stream });
            }
        }
    }

    fn last_group(&self) -> Option<&LineGroup> {
        self.groups.as_ref()?.back()
    }

    /// Drops the oldest lines until this many bytes have room.
    #[allow(clippy::cast_possible_truncation)] // A line is shorter than its group.
    fn make_room(&mut self, needed: usize) {
        let Some(groups) = &mut self.groups else { return };
        let mut dropped = 0;
        while self.bytes.len() - dropped + groups.len() * STAMP_BYTES + needed > RING_BYTES {
            let Some(first) = groups.front_mut() else { break };
            let rest = &self.bytes[dropped..dropped + usize::from(first.length)];
            let line = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            dropped += line;
            first.length -= line as u16;
            if first.length == 0 {
                groups.pop_front();
            }
        }
        self.bytes.drain(..dropped);
    }

    /// Returns each line, without its newline, with its stamp.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&[u8], LineStamp)> {
        let mut begin = 0;
        self.groups.iter().flat_map(|groups| groups.iter()).flat_map(move |group| {
            let end = begin + usize::from(group.length);
            let lines = &self.bytes[begin..end];
            begin = end;
            let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
            lines.split(|byte| *byte == b'\n').map(|line| (line, group.stamp()))
        })
    }

    /// Returns the last `count` lines.
    pub(crate) fn last(&self, count: usize) -> Vec<u8> {
        super::tail::last_of(&self.bytes, count).to_vec()
    }
}

/// Returns the last lines that fit into a ring once they are truncated, and `true` if none needs to be. This bounds the work for
/// a bot that prints much.
fn newest(lines: &[u8]) -> (&[u8], bool) {
    let (mut begin, mut size, mut are_short) = (lines.len(), STAMP_BYTES, true);
    while begin > 0 {
        let line = memrchr(b'\n', &lines[..begin - 1]).map_or(0, |end| end + 1);
        let length = begin - line;
        size += length.min(MAX_LINE_BYTES);
        if size > RING_BYTES {
            break;
        }
        are_short &= length <= MAX_LINE_BYTES;
        begin = line;
    }
    (&lines[begin..], are_short)
}

/// Returns the beginning of a line, with a note of the omitted bytes.
fn shortened(line: &[u8]) -> Vec<u8> {
    let part = prefix(line, MAX_LINE_BYTES - NOTE_BYTES);
    let mut short = part.to_vec();
    let left_out = line.len() - part.len() - 1;
    // The sequence that resets the colours may be among the omitted bytes.
    let reset = if memchr(0x1b, part).is_some() { "\x1b[0m" } else { "" };
    short.extend_from_slice(format!("{reset} [{left_out} more bytes]\n").as_bytes());
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAMP: LineStamp = LineStamp { time: 1, run: 1, stream: None };

    /// Promise 6.51.
    #[test]
    fn ring_with_long_line_keeps_the_lines_around_it() {
        for size in [MAX_LINE_BYTES - 1, MAX_LINE_BYTES, RING_BYTES - 1, RING_BYTES, 2 * RING_BYTES] {
            let (mut ring, long) = (Ring::default(), "\u{ae38}".repeat(size / 3) + &"x".repeat(size % 3));
            ring.push(b"before\n", STAMP);
            ring.push(format!("{long}\nafter\n").as_bytes(), LineStamp { time: 2, ..STAMP });
            let text = String::from_utf8(ring.last(9)).expect("whole characters");
            let lines: Vec<&str> = text.lines().collect();
            let [before, kept, after] = lines[..] else { panic!("{size}: {text}") };
            assert_eq!((before, after), ("before", "after"), "{size}");
            assert!(kept.len() < MAX_LINE_BYTES, "{size}");
            let (short, note) = kept.rsplit_once(" [").unwrap_or((kept, "0 more bytes]"));
            assert!(long.starts_with(short) && note == format!("{} more bytes]", size - short.len()), "{size}: {note}");
        }
    }

    /// Promise 6.51.
    #[test]
    fn ring_leaves_out_no_line_between_those_that_it_keeps() {
        let mut ring = Ring::default();
        ring.push(b"before\n", STAMP);
        ring.push((format!("{}\n", "x".repeat(MAX_LINE_BYTES)).repeat(3) + "after\n").as_bytes(), STAMP);
        let text = String::from_utf8(ring.last(9)).expect("text");
        assert!(text.starts_with('x') && text.ends_with("]\nafter\n"), "{text}");
    }

    /// Promise 6.59.
    #[test]
    fn each_line_of_a_ring_has_the_stamp_with_which_it_came() {
        let mut ring = Ring::default();
        let second = LineStamp { time: 7, run: 2, stream: Some(OutputStream::Stderr) };
        ring.push(b"one\n\n", STAMP);
        ring.push(b"two\n", STAMP);
        ring.push(b"three\n", second);
        let lines: Vec<(&[u8], LineStamp)> = ring.lines().collect();
        assert_eq!(lines, [(&b"one"[..], STAMP), (b"", STAMP), (b"two", STAMP), (b"three", second)]);
        assert_eq!(ring.groups.map(|groups| groups.len()), Some(2));
    }

    proptest! {
        /// The ring holds the newest whole lines, as many as have room, and each with its own stamp.
        #[test]
        fn a_ring_keeps_whole_lines(
            lengths in proptest::collection::vec(0..900_usize, 0..40),
            group in 1..41_usize,
            repeat in 1..4_usize,
        ) {
            let lines: Vec<Vec<u8>> = lengths.repeat(repeat).iter().enumerate().map(|(at, length)| {
                let mut line = format!("{at}:").into_bytes();
                line.extend(std::iter::repeat_n(b'x', *length));
                line.push(b'\n');
                line
            }).collect();
            let mut ring = Ring::default();
            for (number, some) in (0_u32..).zip(lines.chunks(group)) {
                ring.push(&some.concat(), LineStamp { run: number, ..STAMP });
            }
            let all = lines.concat();
            let size = ring.bytes.len() + ring.groups.as_ref().map_or(0, |groups| groups.len()) * STAMP_BYTES;
            prop_assert!(size <= RING_BYTES && all.ends_with(&ring.bytes));
            let begins = all.len() - ring.bytes.len();
            prop_assert!(begins == 0 || all[begins - 1] == b'\n');
            prop_assert!(begins == 0 || size + 900 + 16 + STAMP_BYTES > RING_BYTES, "more has been dropped than had to be");
            for (line, stamp) in ring.lines() {
                let number: usize = std::str::from_utf8(line).unwrap().split(':').next().unwrap().parse().unwrap();
                prop_assert_eq!(number / group, stamp.run as usize);
            }
        }
    }
}
