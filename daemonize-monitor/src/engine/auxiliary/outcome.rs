//! The outcome of an auxiliary command: how it has ended, and the last line that it has printed.

use crate::program::StartError;
use daemonize_sys::escape::escape_bytes;
use daemonize_sys::wait::Ended;
use std::fmt;
use std::time::Duration;

/// The outcome of an auxiliary command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct AuxiliaryOutcome {
    pub(in crate::engine) result: AuxiliaryResult,
    /// The end of its output, escaped: the last line that is not empty.
    pub(in crate::engine) last_line: Option<String>,
}

/// How an auxiliary command has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum AuxiliaryResult {
    Ended(Ended),
    /// It was killed at its deadline.
    TimedOut(Duration),
    /// There was no process, for this reason; with `is_shortage` the machine is short of something.
    NotStarted {
        reason: String,
        is_shortage: bool,
    },
}

impl From<StartError> for AuxiliaryResult {
    fn from(refusal: StartError) -> AuxiliaryResult {
        AuxiliaryResult::NotStarted { reason: refusal.text, is_shortage: refusal.shortage }
    }
}

impl AuxiliaryOutcome {
    /// Returns `true` if it has ended with status 0.
    pub(in crate::engine) fn is_success(&self) -> bool {
        self.result == AuxiliaryResult::Ended(Ended::Status(0))
    }
}

impl fmt::Display for AuxiliaryOutcome {
    /// Formats "exited with status 1: `no route to host`".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            AuxiliaryResult::Ended(ended) => write!(f, "{ended}")?,
            AuxiliaryResult::TimedOut(time) => write!(f, "did not end within {time:?}, and was killed")?,
            AuxiliaryResult::NotStarted { reason, .. } => f.write_str(reason)?,
        }
        self.last_line.as_ref().map_or(Ok(()), |line| write!(f, ": `{line}`"))
    }
}

/// Returns the last line of an output that is not empty, escaped.
pub(super) fn last_line(output: &[u8]) -> Option<String> {
    let lines = output.split(|byte| *byte == b'\n');
    let line = lines.map(<[u8]>::trim_ascii).rfind(|line| !line.is_empty())?;
    Some(escape_bytes(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_line_is_the_last_that_says_something() {
        assert_eq!(last_line(b""), None);
        assert_eq!(last_line(b" \n\r\n"), None);
        assert_eq!(last_line(b"one\ntwo \r\n\n").as_deref(), Some("two"));
        assert!(!last_line(b"a\x1b[2Jb").unwrap().contains('\x1b'));
    }
}
