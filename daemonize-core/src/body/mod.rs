//! What a daemon does: the body, and how it may end.

#[cfg(feature = "tokio")]
mod async_body;
mod into_exit;
pub(crate) mod messages;
mod run;
mod runtime;
mod step;

#[cfg(feature = "tokio")]
pub(crate) use async_body::{RuntimePlan, steps};
pub use into_exit::{IntoControlFlow, IntoExit, Never};
#[cfg(feature = "tokio")]
pub(crate) use messages::handle_messages_async;
#[doc(hidden)]
pub use messages::pump;
#[cfg(feature = "tokio")]
#[doc(hidden)]
pub use messages::pump_async;
pub(crate) use messages::{Ack, Fetched, Messages, Retry};
#[cfg(feature = "tokio")]
pub(crate) use messages::{AckAsync, FetchAsync};
pub(crate) use messages::{HandlerSettings, IDLE_TIME, LARGEST_POOL, POOL_SIZE, handle_messages};
pub use run::Run;
#[doc(hidden)]
pub use runtime::Runtime;
pub(crate) use runtime::blocking;
#[cfg(feature = "tokio")]
pub(crate) use runtime::{RuntimeHere, runtime_here};
pub use step::Step;

use crate::report;
use std::any::Any;
use std::error::Error as StdError;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// A kind of daemon: what runs in the process once it is one.
///
/// [`Run`] and [`Step`] are two; a kind of your own is one `impl`. Look at
/// [`stopping`](crate::stopping) now and then, and return when it says so.
///
/// ```
/// use daemon::body::{BodyResult, Work};
///
/// struct Countdown(u32);
///
/// impl Work for Countdown {
///     fn work(mut self) -> BodyResult {
///         while self.0 > 0 && daemon::sleep(std::time::Duration::from_secs(1)) {
///             self.0 -= 1;
///         }
///         BodyResult::success()
///     }
/// }
/// ```
pub trait Work {
    /// Does the work; the daemon ends as this says when it returns.
    fn work(self) -> BodyResult;
}

/// How a body ended: an exit status, and the error if there was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyResult {
    status: u8,
    error: Option<String>,
}

impl BodyResult {
    /// Exit status 0.
    pub fn success() -> BodyResult {
        BodyResult { status: 0, error: None }
    }

    /// Exit status 4, and the error is told where people look.
    pub fn failure(error: impl Into<String>) -> BodyResult {
        BodyResult { status: 4, error: Some(error.into()) }
    }

    /// An exit status of the body's own choice; anything but 0 is told as an error.
    pub fn with_status(status: u8) -> BodyResult {
        let error = (status != 0).then(|| format!("exit status {status}"));
        BodyResult { status, error }
    }

    /// The exit status, 0 to 255.
    pub fn exit_code(&self) -> u8 {
        self.status
    }

    /// Why it is not a success.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Tells the error, if it has one.
    pub(crate) fn reported(self) -> BodyResult {
        if let Some(error) = self.error() {
            report::error(error);
        }
        self
    }

    /// The error with its causes, as "this: because of that".
    pub(crate) fn of_error(error: &(dyn StdError + 'static)) -> BodyResult {
        let mut text = format!("{error}");
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = format!("{cause}");
            // Many errors print their cause themselves.
            if !text.ends_with(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        BodyResult::failure(text)
    }
}

/// Thrown through the body of a daemon that is to stop and will not look: its locals are dropped, and all is well.
pub(crate) struct Unwound;

/// Runs what the user gave us; an error says of what, and a panic is one as well.
pub(crate) fn guarded(what: impl Display, f: impl FnOnce() -> BodyResult) -> BodyResult {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(ending @ BodyResult { error: None, .. }) => ending,
        result => explained(&what, result),
    }
}

/// Not generic, so that a program has it once; a call of it would be a good part of what a message costs.
#[cold]
fn explained(what: &dyn Display, result: thread::Result<BodyResult>) -> BodyResult {
    match result {
        Ok(BodyResult { status, error }) => {
            BodyResult { status, error: error.map(|error| format!("{what} failed: {error}")) }
        }
        Err(payload) if payload.is::<Unwound>() => BodyResult::success(),
        Err(payload) => BodyResult::failure(format!("{what} panicked: {}", panic_text(payload.as_ref()))),
    }
}

/// The message of a panic, as far as it is text.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}
