//! The result of a body: an exit status, and the error if there was one.

use crate::report;
use std::error::Error as StdError;

/// The result of a body: an exit status, and the error if there was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyResult {
    pub(super) status: u8,
    pub(super) error: Option<String>,
    /// `true` if the function returned the status itself, and not an error.
    pub(super) is_chosen: bool,
}

impl BodyResult {
    /// Returns exit status 0.
    pub fn success() -> BodyResult {
        BodyResult { status: 0, error: None, is_chosen: false }
    }

    /// Returns exit status 4 with an error, which is reported on stderr and in the log.
    pub fn failure(error: impl Into<String>) -> BodyResult {
        BodyResult { status: 4, error: Some(error.into()), is_chosen: false }
    }

    /// Returns this exit status. A body that ends with it has chosen it, so nothing is printed on stderr, as for an
    /// [`ExitCode`](std::process::ExitCode) of `main`. Of a handler or a hook, any status except 0 is reported as an error.
    pub fn with_status(status: u8) -> BodyResult {
        let error = (status != 0).then(|| format!("exit status {status}"));
        BodyResult { status, is_chosen: error.is_some(), error }
    }

    /// Returns the exit status, 0 to 255.
    pub fn exit_code(&self) -> u8 {
        self.status
    }

    /// Returns the error, or `exit status 3` of a function that returned this status; `None` after success.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Returns `true` if the function returned a status other than 0 itself: it is the function's to say why.
    pub(crate) fn is_chosen(&self) -> bool {
        self.is_chosen
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
