//! Messages for async handlers: the lines of a file, each with the acts that its handler performs.
//!
//! A line that begins with `!` is performed by the one who fetches, and is no message. When the file ends there is none for
//! now; lines may be added while the daemon runs.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use daemon::{Ack, AckAsync, Delivery, Nack};

use crate::act::{self, Failure, Fallible};

/// Where messages come from.
pub(crate) struct Inbox {
    path: PathBuf,
    reader: Option<BufReader<File>>,
    line: String,
}

impl Inbox {
    pub(crate) fn new(file: &str) -> Inbox {
        Inbox { path: look::in_lab(file), reader: None, line: String::new() }
    }

    /// The next message, fetched by somebody who awaits.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Failure> {
        while let Some(line) = self.line()? {
            match line.strip_prefix('!') {
                Some(acts) => act::perform(acts.to_owned()).await?,
                None => return Ok(Some(line)),
            }
        }
        Ok(None)
    }

    /// The same by somebody who does not.
    pub(crate) fn next_at_once(&mut self) -> Result<Option<String>, Failure> {
        act::at_once(self.next())
    }

    fn line(&mut self) -> Result<Option<String>, Failure> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(BufReader::new(File::open(&self.path)?)),
        };
        self.line.clear();
        let length = reader.read_line(&mut self.line)?;
        Ok((length > 0).then(|| self.line.trim_end().to_owned()))
    }
}

/// Handles one of them.
pub(crate) async fn handle(line: String) -> Fallible {
    act::perform(line).await
}

/// Notes what a message was told: `ack LINE`, `Failed LINE`, `Unfinished LINE`.
pub(crate) struct Receipt {
    file: String,
    line: String,
}

impl Receipt {
    pub(crate) fn of(line: String, file: &str) -> Delivery<String, Receipt> {
        Delivery::new(line.clone(), Receipt { file: file.to_owned(), line })
    }

    fn note(&self, what: &str) -> Fallible {
        append(&self.file, &format!("{what} {}\n", self.line))
    }
}

fn append(file: &str, line: &str) -> Fallible {
    let mut file = OpenOptions::new().append(true).create(true).open(look::in_lab(file))?;
    Ok(file.write_all(line.as_bytes())?)
}

/// Counts how often this line was fetched, this time included.
fn attempt(line: &str) -> u32 {
    static FETCHED: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
    let mut fetched = FETCHED.lock().expect("no panic");
    let count = fetched.entry(line.to_owned()).or_default();
    *count += 1;
    *count
}

impl Ack for Receipt {
    fn ack(self) -> Fallible {
        self.note("ack")
    }

    fn nack(self, why: Nack) -> Fallible {
        self.note(&format!("{why:?}"))
    }
}

/// A [`Receipt`] for async handlers: performs acts before it notes what its message was told.
pub(crate) struct SlowReceipt {
    receipt: Receipt,
    acts: Acts,
}

/// The acts of a [`SlowReceipt`] whose message was acknowledged, and of one whose message was not.
#[derive(Clone)]
pub(crate) struct Acts {
    pub(crate) ack: String,
    pub(crate) nack: String,
    /// The file to which a message is added again whose handler failed.
    pub(crate) requeue: Option<String>,
}

impl SlowReceipt {
    pub(crate) fn of(line: String, file: &str, acts: &Acts) -> Delivery<String, SlowReceipt> {
        let receipt = Receipt { file: file.to_owned(), line: line.clone() };
        let attempt = attempt(&line);
        Delivery::new(line, SlowReceipt { receipt, acts: acts.clone() }).attempt(attempt)
    }
}

impl AckAsync for SlowReceipt {
    async fn ack(self) -> Fallible {
        act::perform(self.acts.ack).await?;
        self.receipt.note("ack")
    }

    async fn nack(self, why: Nack) -> Fallible {
        act::perform(self.acts.nack).await?;
        self.receipt.note(&format!("{why:?}"))?;
        match &self.acts.requeue {
            Some(inbox) if why == Nack::Failed => append(inbox, &format!("{}\n", self.receipt.line)),
            _ => Ok(()),
        }
    }
}
