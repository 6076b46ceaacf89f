//! Tests of the merge of lines, and of what is known of lines in files.

use super::*;
use crate::bot::Log;
use crate::logs::{LogFile, Ring};
use std::fs;

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
        format!("{bot}:{}:{}:{}", number(line.time), number(line.run.map(u64::from)), line.text())
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

/// Writes lines to a file as the engine does, and returns it as a source.
fn written(directory: &Path, settings: &Log, writes: &[(&str, u64, u32, &str)]) -> (LogSource, LogFile) {
    let path = LogPath::new(&directory.join("web.log"), None);
    let mut file = LogFile::new(settings, path.clone());
    for (bot, time, run, lines) in writes {
        let stamp = LineStamp { time: *time, run: *run, stream: None };
        file.write(lines.as_bytes(), Instant::now(), Some((stamp, bot)));
    }
    (LogSource { path, stream: None, index: file.index(), has_timestamps: settings.timestamps }, file)
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
    // Another file under its name.
    fs::rename(&settings.path, directory.path().join("web.log.1")).unwrap();
    fs::write(&settings.path, "one\ntwo\n").unwrap();
    assert_eq!(shown(&read_lines(&logs, &all()).unwrap()), ["web:?:?:one", "web:?:?:two"]);
}

/// Promise 6.59.
#[test]
fn lines_with_timestamps_are_dated_by_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Log { timestamps: true, ..Log::new(directory.path().join("web.log")) };
    fs::write(&settings.path, "1970-01-01T00:00:01.500Z one\n1970-01-01T00:00:09Z, two\n").unwrap();
    let path = LogPath::new(&settings.path, None);
    let source = LogSource { path, stream: Some(OutputStream::Stderr), index: None, has_timestamps: true };
    let found = read_lines(&[BotLog { files: vec![source], ..log("web") }], &all()).unwrap();
    assert_eq!(shown(&found), ["web:1500:?:one", "web:?:?:1970-01-01T00:00:09Z, two"]);
    assert_eq!(found.lines[0].bytes(), b"1970-01-01T00:00:01.500Z one");
    assert!(found.lines.iter().all(|line| line.stream == Some(OutputStream::Stderr)));
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
