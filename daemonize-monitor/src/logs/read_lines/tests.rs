//! Tests of the merge of lines, and of what is known of lines in files.

use super::*;
use crate::bot::Log;
use crate::logs::bot_log::LogSource;
use crate::logs::line_filter::LineFilter;
use crate::logs::line_stamp::OutputStream;
use crate::logs::log_indexes::LogFileState;
use crate::logs::{LogFile, Ring};
use std::fs;
use std::time::Instant;

const BOTH: LineStamp = LineStamp { time: 0, run: 1, stream: None };

fn log(bot: &str) -> BotLog {
    BotLog {
        bot: bot.into(),
        ring: Ring::default(),
        files: Vec::new(),
        is_kept: true,
        has_streams: true,
        runs: Vec::new(),
    }
}

fn all() -> LogQuery {
    LogQuery { count: 100, ..LogQuery::default() }
}

/// Returns "BOT:TIME:RUN:TEXT" of each line.
fn shown(found: &FoundLines) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or("?".to_owned(), |number| number.to_string());
    let show = |line: &LogLine| {
        let bot = line.bot.as_deref().unwrap_or("?");
        format!("{bot}:{}:{}:{}", number(line.facts.time), number(line.facts.run.map(u64::from)), line.text())
    };
    found.lines.iter().map(show).collect()
}

/// Promise 6.59.
#[test]
fn lines_of_several_bots_are_merged_by_time() {
    let (mut web, mut db) = (log("web"), log("db"));
    web.ring.push(b"a\nb\n", LineStamp { time: 10, ..BOTH });
    db.ring.push(b"c\n", LineStamp { time: 15, ..BOTH });
    web.ring.push(b"d\n", LineStamp { time: 20, run: 2, ..BOTH });
    // The clock was set back.
    web.ring.push(b"e\n", LineStamp { time: 5, run: 2, ..BOTH });
    db.ring.push(b"f\n", LineStamp { time: 30, ..BOTH });
    let logs = [web, db];
    let found = read_lines(&logs, &all()).unwrap();
    assert_eq!(shown(&found), ["web:10:1:a", "web:10:1:b", "db:15:1:c", "web:20:2:d", "web:5:2:e", "db:30:1:f"]);
    let last = read_lines(&logs, &LogQuery { count: 2, ..all() }).unwrap();
    assert_eq!(shown(&last), ["web:5:2:e", "db:30:1:f"]);
    let since = read_lines(&logs, &LogQuery { since: Some(20), ..all() }).unwrap();
    assert_eq!(shown(&since), ["web:20:2:d", "db:30:1:f"]);
    let filter = LineFilter::new("^[bf]$").ok();
    assert_eq!(shown(&read_lines(&logs, &LogQuery { filter, ..all() }).unwrap()), ["web:10:1:b", "db:30:1:f"]);
}

/// Returns a log as a source.
fn source_of(settings: &Log, file: &LogFile) -> LogSource {
    let path = LogPath::new(&settings.path, None);
    LogSource { path, stream: None, state: file.state(), keep: settings.keep, has_timestamps: settings.timestamps }
}

/// Writes lines to a file as the engine does, and returns it as a source.
fn written(directory: &Path, settings: &Log, writes: &[(&str, u64, u32, &str)]) -> (LogSource, LogFile) {
    let path = LogPath::new(&directory.join("web.log"), None);
    let mut file = LogFile::new(settings, path.clone());
    for (bot, time, run, lines) in writes {
        let stamp = LineStamp { time: *time, run: *run, stream: None };
        file.write(lines.as_bytes(), Instant::now(), Some((stamp, bot)));
    }
    (source_of(settings, &file), file)
}

/// Promise 6.59. Of lines that an earlier monitor wrote, nothing is known.
#[test]
fn lines_of_a_file_have_what_is_known_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Log::new(directory.path().join("web.log"));
    fs::write(&settings.path, "old\n").unwrap();
    let writes = [("web", 100, 1, "one\ntwo\n"), ("web", 105, 1, "three\n"), ("web", 200, 2, "four\n")];
    let (source, mut file) = written(directory.path(), &settings, &writes);
    // It comes after the copy, so that a follower is sent it, and it is not shown twice.
    file.write(b"later\n", Instant::now(), None);
    let logs = [BotLog { files: vec![source], ..log("web") }];
    let found = read_lines(&logs, &all()).unwrap();
    let expected = ["web:?:?:old", "web:100:1:one", "web:100:1:two", "web:100:1:three", "web:200:2:four"];
    assert_eq!(shown(&found), expected);
    let since = read_lines(&logs, &LogQuery { since: Some(150), ..all() }).unwrap();
    assert_eq!((shown(&since), since.unknown), (vec!["web:200:2:four".to_owned()], 1));
    // Another program has rotated it, and the monitor goes on to write to it.
    fs::rename(&settings.path, directory.path().join("web.log.1")).unwrap();
    fs::write(&settings.path, "of the other program\n").unwrap();
    assert_eq!(shown(&read_lines(&logs, &all()).unwrap()), expected);
    // It was removed: another file has its name.
    fs::remove_file(directory.path().join("web.log.1")).unwrap();
    let logs = [BotLog { files: vec![source_of(&settings, &file)], ..log("web") }];
    assert_eq!(shown(&read_lines(&logs, &all()).unwrap()), ["web:?:?:of the other program"]);
}

/// Promise 6.59.
#[test]
fn lines_with_timestamps_are_dated_by_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Log { timestamps: true, ..Log::new(directory.path().join("web.log")) };
    fs::write(&settings.path, "1970-01-01T00:00:01.500Z one\n1970-01-01T00:00:09Z, two\n").unwrap();
    let path = LogPath::new(&settings.path, None);
    let source = LogSource {
        path,
        stream: Some(OutputStream::Stderr),
        state: LogFileState::default(),
        keep: 5,
        has_timestamps: true,
    };
    let found = read_lines(&[BotLog { files: vec![source], ..log("web") }], &all()).unwrap();
    assert_eq!(shown(&found), ["web:1500:?:one", "web:?:?:1970-01-01T00:00:09Z, two"]);
    assert_eq!(found.lines[0].bytes(), b"1970-01-01T00:00:01.500Z one");
    assert!(found.lines.iter().all(|line| line.facts.stream == Some(OutputStream::Stderr)));
}

/// Promise 6.59. Two bots that write to one file.
#[test]
fn lines_of_another_bot_in_a_shared_file_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Log::new(directory.path().join("web.log"));
    let writes = [("web", 100, 1, "one\n"), ("db", 100, 7, "two\n"), ("web", 101, 1, "three\n")];
    let (source, _) = written(directory.path(), &settings, &writes);
    let (web, db) = (BotLog { files: vec![source.clone()], ..log("web") }, BotLog { files: vec![source], ..log("db") });
    assert_eq!(shown(&read_lines(std::slice::from_ref(&web), &all()).unwrap()), ["web:100:1:one", "web:101:1:three"]);
    let both = read_lines(&[web, db], &all()).unwrap();
    assert_eq!(shown(&both), ["web:100:1:one", "db:100:7:two", "web:101:1:three"]);
}

/// A log that is rotated about every fourth line of six bytes.
fn rotating(directory: &Path) -> Log {
    Log { max_size: 24, keep: 3, ..Log::new(directory.join("web.log")) }
}

/// Writes the lines `10000` to the last one, each in a millisecond and a run of its own.
fn count_to(file: &mut LogFile, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let stamp = LineStamp { time: u64::from(number), run: number, stream: None };
        file.write(format!("{}\n", 10_000 + number).as_bytes(), Instant::now(), Some((stamp, "web")));
    }
}

fn counted(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("web:{number}:{number}:{}", 10_000 + number)).collect()
}

/// Promises 6.59 and 6.83.
#[test]
fn lines_of_rotated_files_come_before_those_of_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let settings = rotating(directory.path());
    let mut file = LogFile::new(&settings, LogPath::new(&settings.path, None));
    count_to(&mut file, 0..30);
    let logs = [BotLog { files: vec![source_of(&settings, &file)], ..log("web") }];
    // Three rotated files have four lines each, and the log two.
    let found = read_lines(&logs, &all()).unwrap();
    assert_eq!((shown(&found), found.truncated), (counted(16..30), None));
    for count in 0..14 {
        let last = read_lines(&logs, &LogQuery { count, ..all() }).unwrap();
        assert_eq!(shown(&last), counted(30 - u32::try_from(count).unwrap()..30));
    }
    let since = read_lines(&logs, &LogQuery { since: Some(18), ..all() }).unwrap();
    assert_eq!((shown(&since), since.unknown), (counted(18..30), 0));
    let filter = LineFilter::new("^1001[67]$").ok();
    assert_eq!(shown(&read_lines(&logs, &LogQuery { filter, ..all() }).unwrap()), counted(16..18));
    // Later lines are sent to a follower, also once the files have moved on.
    count_to(&mut file, 30..37);
    assert_eq!(shown(&read_lines(&logs, &all()).unwrap()), counted(24..30));
    count_to(&mut file, 37..60);
    assert_eq!(shown(&read_lines(&logs, &all()).unwrap()), [""; 0]);
}

/// Promise 6.83. Nothing but a regular file of the log's owner is read, and the lines around it are.
#[test]
fn what_has_the_name_of_a_rotated_file_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Log { keep: 6, ..Log::new(directory.path().join("web.log")) };
    let name = |number: u32| directory.path().join(format!("web.log.{number}"));
    fs::write(directory.path().join("precious"), "secret\n").unwrap();
    std::os::unix::fs::symlink("precious", name(1)).unwrap();
    nix::unistd::mkfifo(&name(2), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::create_dir(name(3)).unwrap();
    fs::hard_link(directory.path().join("precious"), name(4)).unwrap();
    fs::write(name(6), "old\n").unwrap();
    fs::write(&settings.path, "new\n").unwrap();
    let file = LogFile::new(&settings, LogPath::new(&settings.path, None));
    let logs = [BotLog { files: vec![source_of(&settings, &file)], ..log("web") }];
    let found = read_lines(&logs, &all()).unwrap();
    assert_eq!(shown(&found), ["web:?:?:old", "web:?:?:new"]);
    let skipped = found.skipped.join("\n");
    for why in ["web.log.1`: it is a symbolic link", "web.log.2`: it is", "web.log.3`: it is", "web.log.4`: it has"] {
        assert!(skipped.contains(why), "{why}: {skipped}");
    }
    assert_eq!(found.skipped.len(), 4, "{skipped}");
    // A file that is not needed is not opened.
    let last = read_lines(&logs, &LogQuery { count: 1, ..all() }).unwrap();
    assert_eq!((shown(&last), last.skipped.len()), (vec!["web:?:?:new".into()], 0));
}

/// Promises 6.60 and 6.83. A file with a hole of 10 GB and no line, and one of many empty lines.
#[test]
fn huge_rotated_files_are_read_in_bounded_time_and_memory() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Log::new(directory.path().join("web.log"));
    let huge = fs::File::create(directory.path().join("web.log.1")).unwrap();
    huge.set_len(10_000_000_000).unwrap();
    fs::write(&settings.path, "\n".repeat(2_000_000)).unwrap();
    let file = LogFile::new(&settings, LogPath::new(&settings.path, None));
    let logs = [BotLog { files: vec![source_of(&settings, &file)], ..log("web") }];
    let begin = Instant::now();
    let filter = LineFilter::new("x").ok();
    let found = read_lines(&logs, &LogQuery { filter, ..all() }).unwrap();
    assert!(found.lines.is_empty() && found.truncated.is_some(), "{found:?}");
    let found = read_lines(&logs, &LogQuery { count: 10_000, ..all() }).unwrap();
    assert_eq!((found.lines.len(), found.truncated), (10_000, None));
    fs::remove_file(&settings.path).unwrap();
    let found = read_lines(&logs, &LogQuery { count: 10_000, ..all() }).unwrap();
    let bytes: usize = found.lines.iter().map(|line| line.bytes().len()).sum();
    assert!(bytes <= 2 << 20 && found.truncated.is_some(), "{bytes}");
    assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{:?}", begin.elapsed());
}
