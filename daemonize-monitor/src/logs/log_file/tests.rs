//! Tests of log files.

use super::*;
use std::fs;
use std::path::Path;

/// Returns a log that is rotated at ten bytes and keeps one old file, and a reader of files beside it.
fn ten_byte_log(directory: &Path) -> (LogFile, impl Fn(&str) -> String + use<'_>) {
    let mut log = Log::new(directory.join("web.log"));
    (log.max_size, log.keep) = (10, 1);
    let log = LogFile::new(&log, LogPath::new(&log.path, None));
    (log, |name: &str| fs::read_to_string(directory.join(name)).unwrap())
}

/// The file was renamed, and then no descriptor was left for a new one.
#[test]
fn rotation_that_failed_after_the_rename_is_completed_by_the_next_write() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, read) = ten_byte_log(directory.path());
    let now = Instant::now();
    log.write(b"one\n", now, None);
    fs::rename(directory.path().join("web.log"), directory.path().join("web.log.1")).unwrap();
    log.write(b"two\n", now, None);
    log.write(b"three\n", now, None);
    assert_eq!((read("web.log.1"), read("web.log")), ("one\ntwo\n".into(), "three\n".into()));
}

/// The disk became full in the middle of a line.
#[test]
fn partial_line_is_completed_before_rotation() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, read) = ten_byte_log(directory.path());
    let now = Instant::now();
    log.write(b"one two", now, None);
    log.partial_line = b" three\n".to_vec();
    log.write(b"four\n", now, None);
    assert_eq!((read("web.log.1"), read("web.log")), ("one two three\n".into(), "four\n".into()));
}
