//! Messages for async handlers: each line of a file lists the actions of its handler.
//!
//! The fetch function itself performs a line that begins with `!`, which is not a message.

use daemon::messages::{Ack, AckAsync, Delivery, Nack};
use look::actions::{Failure, Fallible, append};
use look::message_file::{self, MessageFile};

use crate::bodies;

/// Fetches the next message, and awaits.
pub(crate) async fn next(inbox: &mut MessageFile) -> Result<Option<String>, Failure> {
    while let Some(line) = inbox.line()? {
        match line.strip_prefix('!') {
            Some(body) => bodies::run(body).await?,
            None => return Ok(Some(line)),
        }
    }
    Ok(None)
}

/// Fetches the next message, and blocks.
pub(crate) fn next_at_once(inbox: &mut MessageFile) -> Result<Option<String>, Failure> {
    bodies::at_once(next(inbox))
}

/// Handles one message.
pub(crate) async fn handle(line: String) -> Fallible {
    bodies::run(&line).await
}

/// Notes the result of a message: `ack LINE`, `Failed LINE`, `Unfinished LINE`.
pub(crate) struct Receipt {
    file: String,
    line: String,
}

impl Receipt {
    pub(crate) fn of(line: String, file: &str) -> Delivery<String, Receipt> {
        Delivery::new(line.clone(), Receipt { file: file.to_owned(), line })
    }

    fn note(&self, what: &str) -> Fallible {
        Ok(append(&self.file, &format!("{what} {}\n", self.line))?)
    }
}

impl Ack for Receipt {
    fn ack(self) -> Fallible {
        self.note("ack")
    }

    fn nack(self, why: Nack) -> Fallible {
        self.note(&format!("{why:?}"))
    }
}

/// A [`Receipt`] for async handlers: runs a body before it notes the result of its message.
pub(crate) struct SlowReceipt {
    receipt: Receipt,
    answers: Answers,
}

/// The actions of a [`SlowReceipt`] after an acknowledgement, and after a failure.
#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) ack: String,
    pub(crate) nack: String,
    /// The file to which a failed message is added again.
    pub(crate) requeue: Option<String>,
}

impl SlowReceipt {
    pub(crate) fn of(line: String, file: &str, answers: &Answers) -> Delivery<String, SlowReceipt> {
        let receipt = Receipt { file: file.to_owned(), line: line.clone() };
        let attempt = message_file::attempt(&line);
        Delivery::new(line, SlowReceipt { receipt, answers: answers.clone() }).attempt(attempt)
    }
}

impl AckAsync for SlowReceipt {
    async fn ack(self) -> Fallible {
        bodies::run(&self.answers.ack).await?;
        self.receipt.note("ack")
    }

    async fn nack(self, why: Nack) -> Fallible {
        bodies::run(&self.answers.nack).await?;
        self.receipt.note(&format!("{why:?}"))?;
        match &self.answers.requeue {
            Some(inbox) if why == Nack::Failed => Ok(append(inbox, &format!("{}\n", self.receipt.line))?),
            _ => Ok(()),
        }
    }
}
