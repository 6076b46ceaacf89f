//! Messages for a daemon: the lines of a file, to which a test may append while the daemon runs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Mutex;

use crate::actions::Failure;
use crate::mark::in_lab;

/// A file of messages, opened at the first fetch.
#[derive(Debug)]
pub struct MessageFile {
    path: PathBuf,
    reader: Option<BufReader<File>>,
}

impl MessageFile {
    /// Returns the messages in this file of the lab.
    pub fn new(file: &str) -> MessageFile {
        MessageFile { path: in_lab(file), reader: None }
    }

    /// Returns the next line, `None` as long as the file has no more.
    pub fn line(&mut self) -> Result<Option<String>, Failure> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(BufReader::new(File::open(&self.path)?)),
        };
        let mut line = String::new();
        let length = reader.read_line(&mut line)?;
        Ok((length > 0).then(|| line.trim_end().to_owned()))
    }
}

/// Returns the number of times that this line was fetched, including this time.
///
/// # Panics
/// If a thread panicked in this function.
pub fn attempt(line: &str) -> u32 {
    static FETCHED: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
    let mut fetched = FETCHED.lock().expect("no thread panics while it counts");
    let count = fetched.entry(line.to_owned()).or_default();
    *count += 1;
    *count
}
