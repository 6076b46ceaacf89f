//! Runs functions of the user so that a panic becomes an error.

use super::BodyResult;
use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// The panic payload that unwinds a body which does not return after a stop request: its locals are dropped, and the daemon
/// ends successfully.
pub(crate) struct Unwound;

/// Runs a function of the user. Its error, or its panic, becomes an error that names the function as `what`.
pub(crate) fn guarded(what: impl Display, f: impl FnOnce() -> BodyResult) -> BodyResult {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(success @ BodyResult { error: None, .. }) => success,
        result => describe_failure(&what, result),
    }
}

/// Adds `what` to the error of a failed function, or to the status that it returned. Not generic, so that a program contains it
/// once; cold, since a call would be a noticeable part of the cost of a message.
#[cold]
fn describe_failure(what: &dyn Display, result: thread::Result<BodyResult>) -> BodyResult {
    match result {
        Ok(result) => {
            let verb = if result.is_chosen { "returned" } else { "failed:" };
            BodyResult { error: result.error.map(|error| format!("{what} {verb} {error}")), ..result }
        }
        Err(payload) if payload.is::<Unwound>() => BodyResult::success(),
        Err(payload) => BodyResult::failure(format!("{what} panicked: {}", panic_text(payload.as_ref()))),
    }
}

/// Returns the message of a panic, if it is text.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}
