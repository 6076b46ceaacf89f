//! The requests.

use super::line::{ControlLine, LineWriter};
use daemonize_core::Pid;

/// The longest request in bytes, with its end.
pub(crate) const MAX_REQUEST_BYTES: usize = 512;

/// A request over the socket `control`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ControlRequest {
    /// Asks whether the daemon answers.
    Ping,
    /// Asks what the daemon does.
    Status,
    /// Asks the daemon to exit in favour of another build.
    Retire(RetireRequest),
}

/// A request to exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetireRequest {
    /// The daemon that is to exit: a later one does not.
    pub(crate) pid: Pid,
    /// Its build, if the sender knows it.
    pub(crate) build: Option<String>,
    pub(crate) when: RetireTime,
    /// How many of the daemon's clients are connections of the sender, which do not count.
    pub(crate) own: u64,
}

/// The time at which the daemon is to exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetireTime {
    /// At once, as by a stop.
    Now,
    /// When its last client leaves and its last work is done.
    Idle,
    /// Now if it is idle; else not at all.
    IfIdle,
}

impl RetireTime {
    const WORDS: [(&'static str, RetireTime); 3] =
        [("now", RetireTime::Now), ("idle", RetireTime::Idle), ("if_idle", RetireTime::IfIdle)];

    fn word(self) -> &'static str {
        RetireTime::WORDS.iter().find(|(_, time)| *time == self).map_or("idle", |(word, _)| word)
    }

    fn of_word(word: &str) -> Option<RetireTime> {
        RetireTime::WORDS.iter().find(|(known, _)| *known == word).map(|(_, time)| *time)
    }
}

impl ControlRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// It is not one that this version knows; the text says why.
    pub(crate) fn parse(line: &[u8]) -> Result<ControlRequest, &'static str> {
        let line =
            ControlLine::parse(line, MAX_REQUEST_BYTES).ok_or("the request is not a word and pairs `key=value`")?;
        match line.word {
            "ping" => Ok(ControlRequest::Ping),
            "status" => Ok(ControlRequest::Status),
            "retire" => Ok(ControlRequest::Retire(RetireRequest {
                pid: line.number("pid").and_then(Pid::from_raw).ok_or("`pid` is missing or not valid")?,
                build: line.text("build").map(str::to_owned),
                when: line
                    .text("when")
                    .and_then(RetireTime::of_word)
                    .ok_or("`when` is missing or not `now`, `idle` or `if_idle`")?,
                own: line.number("own").unwrap_or(0),
            })),
            _ => Err("the request is not `ping`, `status` or `retire`"),
        }
    }

    /// Returns the line with its end.
    pub(crate) fn to_line(&self) -> String {
        match self {
            ControlRequest::Ping => LineWriter::new("ping").end(),
            ControlRequest::Status => LineWriter::new("status").end(),
            ControlRequest::Retire(retire) => LineWriter::new("retire")
                .add("pid", retire.pid)
                .add_some("build", retire.build.as_deref())
                .add("when", retire.when.word())
                .add("own", retire.own)
                .end(),
        }
    }
}
