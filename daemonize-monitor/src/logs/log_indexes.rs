//! The lines that a log knows: of those in the open file, and in the files that it was rotated to, it has indexes.

use super::line_stamp::LineStamp;
use super::offset_index::{MAX_MARKS, OffsetIndex};
use std::fs::File;
use std::io::Seek;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// The device and inode of a file, and its length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileExtent {
    pub(super) id: (u64, u64),
    pub(super) length: u64,
}

/// The file that is written, and its extent when that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct WrittenFile {
    pub(super) extent: FileExtent,
    /// Open, so that no other file gets its inode once it was rotated and removed.
    pub(super) file: Arc<File>,
}

/// A copy of what is known of a log.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogFileState {
    /// The file that is written; `None` if none is open, or it was removed.
    pub(super) written: Option<WrittenFile>,
    /// The indexes of files, the newest one first, with their extents.
    pub(super) known: Vec<(FileExtent, OffsetIndex)>,
}

/// When and by which runs the last lines of a log were written.
#[derive(Debug, Default)]
pub(super) struct LogIndexes {
    /// The index of the open file.
    current: Option<Box<OffsetIndex>>,
    rotated: RotatedIndexes,
}

impl LogIndexes {
    /// Notes where lines begin that were written last, with this many bytes.
    pub(super) fn mark(&mut self, file: Option<&Arc<File>>, length: u64, stamp: LineStamp, bot: &str) {
        if length == 0 || self.current.as_ref().is_some_and(|index| !index.needs_mark(stamp, bot)) {
            return;
        }
        // The file is open for appending, so its position is the end of what was written, wherever other programs write.
        if let Some(Ok(end)) = file.map(|file| (&**file).stream_position()) {
            self.current.get_or_insert_default().mark(end.saturating_sub(length), stamp, bot);
        }
    }

    /// Keeps the index of the open file: another one takes its place, and it may have been renamed to `PATH.1`.
    pub(super) fn retire(&mut self, file: Option<&Arc<File>>) {
        let Some(index) = self.current.take() else { return };
        if let Some(extent) = file.and_then(extent) {
            self.rotated.push(extent, *index);
        }
    }

    /// Copies the indexes, with the extent of the open file.
    pub(super) fn state(&self, file: Option<&Arc<File>>) -> LogFileState {
        let rotated = self.rotated.0.iter().rev().cloned();
        let Some((file, extent)) = file.and_then(|file| Some((file, extent(file)?))) else {
            return LogFileState { written: None, known: rotated.collect() };
        };
        let current = (extent, self.current.as_deref().cloned().unwrap_or_default());
        let written = Some(WrittenFile { extent, file: Arc::clone(file) });
        LogFileState { written, known: std::iter::once(current).chain(rotated).collect() }
    }
}

/// Returns the extent of an open file; `None` if it was removed.
fn extent(file: &Arc<File>) -> Option<FileExtent> {
    let status = file.metadata().ok().filter(|status| status.nlink() > 0)?;
    Some(FileExtent { id: (status.dev(), status.ino()), length: status.len() })
}

/// The indexes of rotated files, the newest one last. Together they have at most [`MAX_MARKS`] marks.
#[derive(Debug, Default)]
struct RotatedIndexes(Vec<(FileExtent, OffsetIndex)>);

impl RotatedIndexes {
    /// Adds the index of the file that was rotated last, and drops the oldest ones.
    fn push(&mut self, extent: FileExtent, index: OffsetIndex) {
        // The number of a file that was removed is used again.
        self.0.retain(|(known, _)| known.id != extent.id);
        self.0.push((extent, index));
        let mut marks = 0;
        let is_kept = |(_, index): &&(FileExtent, OffsetIndex)| {
            marks += index.mark_count();
            marks <= MAX_MARKS
        };
        let kept = self.0.iter().rev().take_while(is_kept).count();
        self.0.drain(..self.0.len() - kept);
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 6.59.
    #[test]
    fn indexes_of_rotated_files_are_bounded() {
        let mut rotated = RotatedIndexes::default();
        for number in 0..1000 {
            let mut index = OffsetIndex::default();
            for offset in 0..40 {
                index.mark(offset, LineStamp { time: 1000 * offset, run: 1, stream: None }, "web");
            }
            rotated.push(FileExtent { id: (1, number), length: 40 }, index);
        }
        let newest: Vec<u64> = rotated.0.iter().map(|(extent, _)| extent.id.1).collect();
        assert_eq!(newest, [997, 998, 999]);
    }
}
