//! The starts that the bots report: records of 40 bytes in a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use look::{Deadline, Process};

const RECORD: u64 = 40;

/// Between two looks at the size of the file. A look costs microseconds; to be woken by every start would disturb them.
const PAUSE: Duration = Duration::from_millis(2);

/// One start of one bot.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) process: Process,
    /// On the clock of `look::now`, taken at the first line of the bot's `main`.
    pub(crate) at: Duration,
    pub(crate) name: String,
}

/// The file of all starts of one trial.
#[derive(Debug)]
pub(crate) struct Starts(PathBuf);

impl Starts {
    /// An empty one.
    pub(crate) fn new(path: PathBuf) -> Self {
        fs::write(&path, "").expect("failed to create a file in the working directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        let size = fs::metadata(&self.0).map_or(0, |metadata| metadata.len());
        usize::try_from(size / RECORD).expect("a count fits")
    }

    /// Waits until there are this many, and returns all.
    pub(crate) fn wait(&self, count: usize, deadline: Deadline) -> Result<Vec<Start>, String> {
        while self.count() < count {
            if deadline.passed() {
                return Err(format!("{} of {count} starts before the deadline", self.count()));
            }
            thread::sleep(PAUSE);
        }
        Ok(self.all())
    }

    /// All of them, in the order of the file.
    pub(crate) fn all(&self) -> Vec<Start> {
        let text = fs::read_to_string(&self.0).expect("a file of ours");
        text.lines().filter_map(parse).collect()
    }

    /// The last start of every bot.
    pub(crate) fn last(&self) -> BTreeMap<String, Start> {
        self.all().into_iter().map(|start| (start.name.clone(), start)).collect()
    }
}

fn parse(line: &str) -> Option<Start> {
    let mut words = line.split_whitespace();
    let process = Process::new(words.next()?.parse().ok()?);
    let at = Duration::from_nanos(words.next()?.parse().ok()?);
    Some(Start { process, at, name: words.next()?.to_owned() })
}
