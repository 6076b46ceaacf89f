//! Messages for a daemon that handles them: the lines of a file, each with the acts that its handler performs.
//!
//! A line that begins with `!` is performed by the one who fetches, and is no message. When the file ends there is none for
//! now; lines may be added while the daemon runs.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::sync::Mutex;

use daemon::{Ack, Delivery, Nack};

use crate::act::{self, Act, Fallible};

/// Where messages come from, and where it is noted what they were told.
#[derive(Clone, Default)]
pub(crate) struct Inbox {
    /// The file with the messages.
    pub(crate) file: String,
    /// The file with what was told of each: `ack LINE`, `Failed LINE`, `Unfinished LINE`.
    pub(crate) told: Option<String>,
    /// The acts of a receipt before it notes that its message was acknowledged, or was not.
    pub(crate) ack: Vec<Act>,
    pub(crate) nack: Vec<Act>,
    /// `true` if a message whose handler failed is added to the file again.
    pub(crate) requeue: bool,
    /// The acts when the function that fetches is dropped.
    pub(crate) left: Vec<Act>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Inbox {
    /// Fetches the lines one by one.
    pub(crate) fn lines(self) -> impl FnMut() -> Result<Option<String>, Failure> {
        let mut reader = None;
        move || {
            let reader = match &mut reader {
                Some(reader) => reader,
                none => none.insert(BufReader::new(File::open(look::in_lab(&self.file))?)),
            };
            next_line(reader)
        }
    }

    /// The same, each with a receipt.
    pub(crate) fn deliveries(self) -> impl FnMut() -> Result<Option<Delivery<String, Receipt>>, Failure> {
        let inbox = self.clone();
        let mut leaving = Leaving(Vec::new());
        let mut lines = self.lines();
        move || {
            // Not in the launcher, which drops this without calling it.
            leaving.0.clone_from(&inbox.left);
            let line = lines()?;
            Ok(line.map(|line| {
                let attempt = attempt(&line);
                Delivery::new(line.clone(), Receipt { inbox: inbox.clone(), line }).attempt(attempt)
            }))
        }
    }
}

fn next_line(reader: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        match line.trim_end().strip_prefix('!') {
            Some(acts) => act::perform(&act::parse(acts)?)?,
            None => return Ok(Some(line.trim_end().to_owned())),
        }
        line.clear();
    }
    Ok(None)
}

/// Handles one of them.
#[allow(clippy::needless_pass_by_value)] // As a handler must.
pub(crate) fn handle(line: String) -> Fallible {
    act::perform(&act::parse(&line)?)
}

/// Counts how often this line was fetched, this time included.
fn attempt(line: &str) -> u32 {
    static FETCHED: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
    let mut fetched = FETCHED.lock().expect("no panic");
    let count = fetched.entry(line.to_owned()).or_default();
    *count += 1;
    *count
}

/// Performs acts when it is dropped, which may panic.
struct Leaving(Vec<Act>);

impl Drop for Leaving {
    fn drop(&mut self) {
        act::perform(&self.0).expect("acts that succeed");
    }
}

/// Notes what the message was told.
pub(crate) struct Receipt {
    inbox: Inbox,
    line: String,
}

impl Receipt {
    fn note(&self, what: &str) -> Result<(), Failure> {
        append(self.inbox.told.as_deref().unwrap_or_default(), &format!("{what} {}\n", self.line))
    }
}

fn append(file: &str, line: &str) -> Result<(), Failure> {
    let mut file = OpenOptions::new().append(true).create(true).open(look::in_lab(file))?;
    Ok(file.write_all(line.as_bytes())?)
}

impl Ack for Receipt {
    fn ack(self) -> Result<(), Failure> {
        act::perform(&self.inbox.ack)?;
        self.note("ack")
    }

    fn nack(self, why: Nack) -> Result<(), Failure> {
        act::perform(&self.inbox.nack)?;
        self.note(&format!("{why:?}"))?;
        if self.inbox.requeue && why == Nack::Failed {
            append(&self.inbox.file, &format!("{}\n", self.line))?;
        }
        Ok(())
    }
}

/// Writes there how much this daemon has done.
pub(crate) fn note_counters(file: &str) -> Fallible {
    let daemon::Counters { fetched, handled, failed, in_flight, steps, .. } = daemon::counters();
    Ok(std::fs::write(look::in_lab(file), format!("{fetched} {handled} {failed} {in_flight} {steps}\n"))?)
}
