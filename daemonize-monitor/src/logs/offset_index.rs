//! An index of a log file: the time, stream and run of its last lines, by their offsets. It is in memory only, and bounded.
//!
//! The file of a bot holds its lines as they are, which other programs read. What is not written there is known for the last writes
//! of this process; of older lines it is not.

use super::line_stamp::LineStamp;
use std::collections::VecDeque;
use std::sync::Arc;

/// The maximum number of writes that are remembered.
pub(super) const MAX_MARKS: usize = 128;

/// Writes of one source within this time, in milliseconds, share a mark.
const MARK_INTERVAL: u64 = 10;

/// The maximum number of bots that write to one file.
const MAX_WRITERS: usize = 16;

/// The beginning of lines of one source in a file.
#[derive(Clone, Copy, Debug)]
struct OffsetMark {
    offset: u64,
    stamp: LineStamp,
    /// The number of the bot in the index; [`MAX_WRITERS`] if there are more.
    writer: u8,
}

/// See the module. Takes no memory until the first write.
#[derive(Clone, Debug, Default)]
pub(crate) struct OffsetIndex {
    marks: VecDeque<OffsetMark>,
    writers: Vec<Arc<str>>,
}

impl OffsetIndex {
    /// Returns `true` if lines of this source that are written now need a mark of their own.
    pub(super) fn needs_mark(&self, stamp: LineStamp, writer: &str) -> bool {
        self.marks.back().is_none_or(|last| {
            let is_same = last.stamp.has_same_source(stamp) && self.writer(*last) == Some(writer);
            !is_same || stamp.time.saturating_sub(last.stamp.time) >= MARK_INTERVAL || stamp.time < last.stamp.time
        })
    }

    /// Notes that lines begin at this offset. An offset before an earlier one means that another program has truncated the file.
    pub(super) fn mark(&mut self, offset: u64, stamp: LineStamp, writer: &str) {
        if self.marks.back().is_some_and(|last| offset < last.offset) {
            self.clear();
        }
        if self.marks.len() >= MAX_MARKS {
            self.marks.pop_front();
        }
        if self.marks.is_empty() {
            // Most bots write little, and a thousand of them should not take more than they need.
            self.marks.reserve_exact(1);
            self.writers.reserve_exact(1);
        }
        let writer = self.number(writer);
        self.marks.push_back(OffsetMark { offset, stamp, writer });
    }

    /// Forgets everything: the file has other lines.
    fn clear(&mut self) {
        self.marks.clear();
        self.writers.clear();
    }

    /// Returns the stamp and the bot of the line at this offset, if they are known. The name may be unknown alone.
    pub(super) fn find(&self, offset: u64) -> Option<(LineStamp, Option<&Arc<str>>)> {
        let after = self.marks.partition_point(|mark| mark.offset <= offset);
        let mark = self.marks.get(after.checked_sub(1)?)?;
        Some((mark.stamp, self.writers.get(usize::from(mark.writer))))
    }

    /// Returns the number of marks.
    pub(super) fn mark_count(&self) -> usize {
        self.marks.len()
    }

    /// Returns the time of the oldest mark.
    pub(super) fn begin(&self) -> Option<u64> {
        self.marks.front().map(|mark| mark.stamp.time)
    }

    fn writer(&self, mark: OffsetMark) -> Option<&str> {
        self.writers.get(usize::from(mark.writer)).map(AsRef::as_ref)
    }

    /// Returns the number of a bot, which is added if there is room.
    #[allow(clippy::cast_possible_truncation)] // At most [`MAX_WRITERS`].
    fn number(&mut self, writer: &str) -> u8 {
        let found = self.writers.iter().position(|known| **known == *writer);
        let number = found.unwrap_or(self.writers.len());
        if found.is_none() && number < MAX_WRITERS {
            self.writers.push(writer.into());
        }
        number as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(time: u64, run: u32) -> LineStamp {
        LineStamp { time, run, stream: None }
    }

    #[test]
    fn lines_have_the_stamp_of_the_last_mark_before_them() {
        let mut index = OffsetIndex::default();
        index.mark(100, stamp(5, 1), "web");
        index.mark(150, stamp(50, 2), "db");
        let find = |offset| index.find(offset).map(|(stamp, writer)| (stamp.run, writer.unwrap().to_string()));
        assert_eq!(find(99), None);
        assert_eq!((find(100), find(149)), (Some((1, "web".into())), Some((1, "web".into()))));
        assert_eq!(find(9999), Some((2, "db".into())));
        assert!(!index.needs_mark(stamp(55, 2), "db") && index.needs_mark(stamp(60, 2), "db"));
        assert!(index.needs_mark(stamp(51, 3), "db") && index.needs_mark(stamp(51, 2), "web"));
    }

    /// Promise 6.59. Logrotate with `copytruncate`.
    #[test]
    fn index_of_a_truncated_file_begins_anew() {
        let mut index = OffsetIndex::default();
        index.mark(100, stamp(5, 1), "web");
        index.mark(20, stamp(6, 1), "web");
        assert!(index.find(19).is_none() && index.find(100).is_some_and(|(stamp, _)| stamp.time == 6));
    }

    /// Promise 6.59.
    #[test]
    fn index_is_bounded_whatever_is_written() {
        let mut index = OffsetIndex::default();
        for number in 0..10_000_u32 {
            let name = format!("bot-{number}");
            assert!(index.needs_mark(stamp(u64::from(number), number), &name));
            index.mark(u64::from(number), stamp(u64::from(number), number), &name);
        }
        assert!(index.marks.len() <= MAX_MARKS && index.writers.len() <= MAX_WRITERS);
        assert_eq!(index.find(9999).map(|(stamp, writer)| (stamp.run, writer)), Some((9999, None)));
    }
}
