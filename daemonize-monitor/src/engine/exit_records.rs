//! The last exits of a bot: when, of what cause, after how long, and with which last lines of output.
//!
//! Memory is bounded: at most [`MAX_RECORDS`] records per bot, each with at most [`MAX_OUTPUT_BYTES`] of output and
//! [`MAX_REASON_BYTES`] of reason. A bot that has not exited has no records, and one without output has no buffer.

use crate::restart_policy::Exit;
use daemonize_core::Pid;
use daemonize_sys::escape::escape;
use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

/// The most exits that are kept of one bot.
pub(super) const MAX_RECORDS: usize = 20;

/// The most bytes of output that are kept of one run.
const MAX_OUTPUT_BYTES: usize = 768;

/// The most lines of output that are kept of one run.
const MAX_OUTPUT_LINES: usize = 10;

/// The longest line that is shown as the cause of an error, in bytes.
const MAX_NOTE_BYTES: usize = 200;

/// The longest reason that is kept.
const MAX_REASON_BYTES: usize = 256;

/// The end of one run of a bot, or of an attempt to start it.
#[derive(Clone, Debug)]
pub(super) struct ExitRecord {
    /// When it ended, on the clock that people read.
    pub(super) at: SystemTime,
    /// The cause: what the process ended by, or why the monitor ended it.
    pub(super) exit: Exit,
    /// Details of the cause, such as the check that failed.
    pub(super) reason: Option<Box<str>>,
    /// `true` if a command or the configuration asked for the end: a stop, a restart or a reload.
    pub(super) is_requested: bool,
    /// The process; `None` if there was none, because the program could not be started.
    pub(super) pid: Option<Pid>,
    /// How long the program ran.
    pub(super) ran_for: Duration,
    /// The last output of the run.
    pub(super) output: LastOutput,
}

impl ExitRecord {
    /// Returns the last lines of the run, the newest last. They are text of the bot: escape them before a terminal or a log
    /// gets them.
    pub(super) fn lines(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Returns the last line of the run, escaped and in parentheses, as it follows the cause of an error; empty if there is none.
    pub(super) fn last_line_note(&self) -> String {
        let Some(line) = self.output.lines().pop() else { return String::new() };
        let is_short = |at: &usize| *at <= MAX_NOTE_BYTES;
        let end = line.char_indices().map(|(at, _)| at).chain([line.len()]).take_while(is_short).last().unwrap_or(0);
        format!(" (its last line: `{}`)", escape(&line[..end]))
    }
}

/// The last exits of a bot, the newest last. Takes no memory until the first one.
#[derive(Debug, Default)]
#[allow(clippy::box_collection)] // One pointer for each bot that has not exited.
pub(super) struct ExitRecords(Option<Box<VecDeque<ExitRecord>>>);

impl ExitRecords {
    /// Adds an exit, and drops the oldest one if there are more than [`MAX_RECORDS`].
    pub(super) fn add(&mut self, mut record: ExitRecord) {
        record.reason = record.reason.map(|reason| shortened(&reason).into());
        let records = self.0.get_or_insert_default();
        if records.len() == MAX_RECORDS {
            records.pop_front();
        }
        records.push_back(record);
    }

    /// Returns the exits, the newest last.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &ExitRecord> {
        self.0.iter().flat_map(|records| records.iter())
    }

    /// Returns the newest exit.
    pub(super) fn last(&self) -> Option<&ExitRecord> {
        self.0.as_ref()?.back()
    }

    /// Adds output that came after the end of the run: what was left in its pipes.
    pub(super) fn add_late_output(&mut self, lines: &[u8]) {
        if let Some(last) = self.0.as_mut().and_then(|records| records.back_mut()) {
            last.output.push(lines);
        }
    }
}

/// The last output of one run. Takes no memory until the first line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LastOutput(Option<Box<OutputEnd>>);

/// The end of the output of a run that has printed something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OutputEnd {
    text: Vec<u8>,
    /// The beginning of the first line was dropped.
    is_cut: bool,
}

impl LastOutput {
    /// Adds output, and drops the oldest of it.
    pub(super) fn push(&mut self, output: &[u8]) {
        if !output.is_empty() {
            self.0.get_or_insert_default().push(output);
        }
    }

    /// Returns the lines, the newest last; bytes that are not UTF-8 are replaced, and a line without its beginning begins with
    /// `…`.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.as_ref().map(|end| end.lines()).unwrap_or_default()
    }
}

impl OutputEnd {
    fn push(&mut self, output: &[u8]) {
        let kept = &output[output.len().saturating_sub(MAX_OUTPUT_BYTES)..];
        let excess = (self.text.len() + kept.len()).saturating_sub(MAX_OUTPUT_BYTES);
        if kept.len() < output.len() {
            self.is_cut = output[output.len() - kept.len() - 1] != b'\n';
        } else if excess > 0 {
            self.is_cut = self.text[excess - 1] != b'\n';
        }
        self.text.drain(..excess);
        let size = self.text.len() + kept.len();
        if size > self.text.capacity() {
            // By doubling, but never to more than is needed at most.
            let wanted = (self.text.capacity() * 2).clamp(size, MAX_OUTPUT_BYTES);
            self.text.reserve_exact(wanted - self.text.len());
        }
        self.text.extend_from_slice(kept);
    }

    fn lines(&self) -> Vec<String> {
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        if text.is_empty() {
            return Vec::new();
        }
        let lines = text.split(|byte| *byte == b'\n').enumerate();
        let line = |(index, line): (usize, &[u8])| {
            let (cut, line) =
                if index == 0 && self.is_cut { ("…", without_begun_character(line)) } else { ("", line) };
            format!("{cut}{}", String::from_utf8_lossy(line))
        };
        let mut lines: Vec<String> = lines.map(line).collect();
        lines.drain(..lines.len().saturating_sub(MAX_OUTPUT_LINES));
        lines
    }
}

/// Returns a line without the end of a character whose beginning was dropped.
fn without_begun_character(line: &[u8]) -> &[u8] {
    let rest = line.iter().take(3).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count();
    &line[rest..]
}

fn shortened(reason: &str) -> String {
    if reason.len() <= MAX_REASON_BYTES {
        return reason.to_owned();
    }
    let mut end = MAX_REASON_BYTES - '…'.len_utf8();
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &reason[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(reason: Option<&str>) -> ExitRecord {
        ExitRecord {
            at: SystemTime::UNIX_EPOCH,
            exit: Exit::Status(1),
            reason: reason.map(Into::into),
            is_requested: false,
            pid: None,
            ran_for: Duration::ZERO,
            output: LastOutput::default(),
        }
    }

    fn kept(pieces: &[&[u8]]) -> LastOutput {
        let mut output = LastOutput::default();
        for piece in pieces {
            output.push(piece);
        }
        output
    }

    #[test]
    fn exit_records_are_bounded() {
        let mut records = ExitRecords::default();
        for number in 0..MAX_RECORDS + 5 {
            records.add(ExitRecord { exit: Exit::Status(i32::try_from(number).unwrap()), ..record(None) });
        }
        assert_eq!(records.iter().count(), MAX_RECORDS);
        assert_eq!(records.iter().next().unwrap().exit, Exit::Status(5));
        assert_eq!(records.last().unwrap().exit, Exit::Status(24));
        records.add(record(Some(&"ä".repeat(1000))));
        let reason = records.last().unwrap().reason.clone().unwrap();
        assert!(reason.len() <= MAX_REASON_BYTES && reason.ends_with("ä…"), "{reason}");
        assert_eq!(size_of::<ExitRecords>(), size_of::<usize>());
    }

    #[test]
    fn late_output_belongs_to_the_last_exit() {
        let mut records = ExitRecords::default();
        records.add_late_output(b"lost\n");
        records.add(record(None));
        records.add(ExitRecord { output: kept(&[b"one\n"]), ..record(None) });
        records.add_late_output(b"two\n");
        let lines: Vec<Vec<String>> = records.iter().map(ExitRecord::lines).collect();
        assert_eq!(lines, [vec![], vec!["one".to_owned(), "two".to_owned()]]);
    }

    #[test]
    fn last_lines_are_kept_and_a_cut_line_says_so() {
        assert_eq!(kept(&[]).lines(), Vec::<String>::new());
        assert_eq!(kept(&[b"one\n", b"\n", b"two"]).lines(), ["one", "", "two"]);
        assert_eq!(kept(&[&[b'x'; 900], b"\nend\n"]).lines()[0].chars().next(), Some('…'));
        let text = (0..500).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat();
        let lines = kept(&[text.as_bytes()]).lines();
        assert_eq!((lines.len(), &*lines[0], &*lines[9]), (MAX_OUTPUT_LINES, "line 490", "line 499"));
        // A character of which the beginning was dropped.
        let lines = kept(&["ä".repeat(600).as_bytes(), b"z\n"]).lines();
        assert!(lines[0].starts_with("…ä") && lines[0].ends_with("äz"), "{lines:?}");
    }

    proptest! {
        /// However the output comes, its end is kept, in bounded memory.
        #[test]
        fn output_is_kept_up_to_its_bound(
            pieces in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a')], 0..1200), 0..8),
        ) {
            let output = kept(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let whole = pieces.concat();
            let begin = whole.len().saturating_sub(MAX_OUTPUT_BYTES);
            prop_assert_eq!(output.0.is_some(), !whole.is_empty());
            let OutputEnd { text, is_cut } = output.0.map(|end| *end).unwrap_or_default();
            prop_assert_eq!(&text, &whole[begin..]);
            prop_assert_eq!(is_cut, begin > 0 && whole[begin - 1] != b'\n');
            prop_assert!(text.capacity() <= MAX_OUTPUT_BYTES);
        }
    }
}
