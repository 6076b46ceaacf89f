//! The result of a body: an exit status, and the error if there was one.

use crate::report;
use std::error::Error as StdError;

/// The result of a body: an exit status, and the error if there was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyResult {
    pub(super) status: u8,
    pub(super) error: Option<String>,
}

impl BodyResult {
    /// Returns exit status 0.
    pub fn success() -> BodyResult {
        BodyResult { status: 0, error: None }
    }

    /// Returns exit status 4 with an error, which is reported on stderr and in the log.
    pub fn failure(error: impl Into<String>) -> BodyResult {
        BodyResult { status: 4, error: Some(error.into()) }
    }

    /// Returns this exit status. Any status except 0 is reported as an error.
    pub fn with_status(status: u8) -> BodyResult {
        let error = (status != 0).then(|| format!("exit status {status}"));
        BodyResult { status, error }
    }

    /// Returns the exit status, 0 to 255.
    pub fn exit_code(&self) -> u8 {
        self.status
    }

    /// Returns the error; `None` after success.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Reports the error, if there is one.
    pub(crate) fn reported(self) -> BodyResult {
        if let Some(error) = self.error() {
            report::error(error);
        }
        self
    }

    /// Returns a failure with the text of the error and its sources: "error: cause: cause".
    pub(crate) fn of_error(error: &(dyn StdError + 'static)) -> BodyResult {
        let mut text = format!("{error}");
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = format!("{cause}");
            // Many errors include the text of their source.
            if !text.ends_with(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        BodyResult::failure(text)
    }
}
