//! Messages for a daemon: each line of a file lists the actions of its handler.
//!
//! The fetch function itself performs a line that begins with `!`, which is not a message.

use daemon::messages::{Ack, Delivery, Nack};
use look::actions::{Failure, Fallible, append};
use look::message_file::{self, MessageFile};

use crate::bodies::Body;

/// The source of messages, and their acknowledgement.
#[derive(Clone, Default)]
pub(crate) struct Messages {
    /// The file with the messages.
    pub(crate) file: String,
    /// The file in which receipts note the result of a message: `ack LINE`, `Failed LINE`, `Unfinished LINE`. Without
    /// it, messages have no receipts.
    pub(crate) told: Option<String>,
    /// The actions of a receipt before it notes an acknowledgement, or a failure.
    pub(crate) ack: Option<Body>,
    pub(crate) nack: Option<Body>,
    /// `true` if a failed message is added to the file again.
    pub(crate) requeue: bool,
    /// The actions of the fetch function when it is dropped.
    pub(crate) left: Option<Body>,
}

impl Messages {
    /// Returns the function that fetches messages without receipts.
    pub(crate) fn lines(self) -> impl FnMut() -> Result<Option<String>, Failure> {
        let mut inbox = MessageFile::new(&self.file);
        move || next_line(&mut inbox)
    }

    /// Returns the function that fetches messages with receipts.
    pub(crate) fn deliveries(self) -> impl FnMut() -> Result<Option<Delivery<String, Receipt>>, Failure> {
        let messages = self.clone();
        let mut leaving = Leaving(None);
        let mut lines = self.lines();
        move || {
            // The launcher drops this function without calling it.
            leaving.0.clone_from(&messages.left);
            let line = lines()?;
            Ok(line.map(|line| {
                let attempt = message_file::attempt(&line);
                Delivery::new(line.clone(), Receipt { messages: messages.clone(), line }).attempt(attempt)
            }))
        }
    }
}

fn next_line(inbox: &mut MessageFile) -> Result<Option<String>, Failure> {
    while let Some(line) = inbox.line()? {
        match line.strip_prefix('!') {
            Some(body) => Body::parse(body)?.run()?,
            None => return Ok(Some(line)),
        }
    }
    Ok(None)
}

/// Handles one message.
#[allow(clippy::needless_pass_by_value)] // As a handler must.
pub(crate) fn handle(line: String) -> Fallible {
    Body::parse(&line)?.run()
}

/// Runs a body when it is dropped, which may panic.
struct Leaving(Option<Body>);

impl Drop for Leaving {
    fn drop(&mut self) {
        run(self.0.as_ref()).expect("a body that succeeds");
    }
}

/// Notes the result of a message.
pub(crate) struct Receipt {
    messages: Messages,
    line: String,
}

impl Receipt {
    fn note(&self, what: &str) -> Fallible {
        Ok(append(self.messages.told.as_deref().unwrap_or_default(), &format!("{what} {}\n", self.line))?)
    }
}

impl Ack for Receipt {
    fn ack(self) -> Fallible {
        run(self.messages.ack.as_ref())?;
        self.note("ack")
    }

    fn nack(self, why: Nack) -> Fallible {
        run(self.messages.nack.as_ref())?;
        self.note(&format!("{why:?}"))?;
        if self.messages.requeue && why == Nack::Failed {
            append(&self.messages.file, &format!("{}\n", self.line))?;
        }
        Ok(())
    }
}

fn run(body: Option<&Body>) -> Fallible {
    body.map_or(Ok(()), Body::run)
}
