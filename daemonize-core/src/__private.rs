//! Functions that the attributes print calls to.

pub use crate::body::pump;
#[cfg(feature = "tokio")]
pub use crate::body::pump_async;
use crate::body::{BodyResult, IntoExit, Work};
use crate::daemon::Daemon;
use std::process::ExitCode;

/// The body of an annotated `main`.
pub fn main<W: Work>(daemon: Daemon<W>) -> ExitCode {
    daemon.main()
}

/// Returns the name of an annotated `main`: that of the program, as cargo was told to call it (`binary`, only known to
/// programs and examples that cargo compiles), else that of the crate, where `module` is.
#[must_use]
pub fn program_name(binary: Option<&str>, module: &str) -> String {
    binary.unwrap_or_else(|| module.split("::").next().unwrap_or(module)).to_owned()
}

/// A handler of messages as an attribute hands it on: what is wrong with what it returns shows here, where its return type
/// is, and what is wrong with the messages shows where they come from.
pub fn handler<H, M, O, J>(handle: H) -> impl Fn(M) -> BodyResult + Send + Sync + 'static
where
    H: Fn(M) -> O + Send + Sync + 'static,
    O: IntoExit<J>,
{
    move |message| handle(message).into_exit()
}

/// The same for a handler that awaits.
#[cfg(feature = "tokio")]
pub fn handler_async<H, M, B, J>(handle: H) -> H
where
    H: Fn(M) -> B + Send + Sync + 'static,
    B: Future + Send + 'static,
    B::Output: IntoExit<J>,
{
    handle
}

/// What a by-value argument of a step must be: it is used once per step.
#[diagnostic::on_unimplemented(
    message = "a step uses its arguments again and again, and `{Self}` cannot be cloned",
    label = "used once per step",
    note = "take it as `&{Self}` or `&mut {Self}`, which is lent to each step, or make it `Clone`"
)]
pub trait StepArgument: Sized {
    /// One for this step.
    #[must_use]
    fn for_this_step(&self) -> Self;
}

impl<T: Clone> StepArgument for T {
    fn for_this_step(&self) -> T {
        self.clone()
    }
}

/// Nothing implements it. The attributes import it beside a daemon's function, so that the compiler says where the verbs are
/// when one is called on the function.
#[diagnostic::on_unimplemented(
    message = "no method of this name found for `{Self}`",
    label = "method not found",
    note = "the verbs of a daemon belong to its companion, a type with the name of the function: write `sleepy::stop()`, not `sleepy.stop()`"
)]
pub trait Companion {}

/// The verbs, as methods of nothing: see [`Companion`].
#[allow(missing_docs)]
pub trait CompanionVerbs {
    fn start(&self) {}
    fn restart(&self) {}
    fn foreground(&self) {}
    fn stop(&self) {}
    fn status(&self) {}
    fn send(&self) {}
    fn pid(&self) {}
    fn pidfile(&self) {}
}

impl<T: Companion + ?Sized> CompanionVerbs for T {}

/// A by-value argument of a step.
pub fn step_argument<T: StepArgument>(argument: &T) -> T {
    argument.for_this_step()
}

/// Expands to the verbs of a companion that find the daemon by its pidfile. `Self::__daemon()` is its configuration.
#[doc(hidden)]
#[macro_export]
macro_rules! __companion_verbs {
    ($visibility:vis fn) => {
        /// Stops the daemon and returns once it has ended. Succeeds as well if it did not run.
        $visibility fn stop() -> $crate::Result<$crate::Stopped> {
            Self::__daemon().stop()
        }

        /// Returns whether the daemon runs, and as which process.
        $visibility fn status() -> $crate::Result<$crate::Status> {
            Self::__daemon().status()
        }

        /// Sends the daemon a signal, such as `"HUP"`.
        $visibility fn send(
            signal: impl ::core::convert::TryInto<$crate::Signal, Error: ::core::fmt::Display>,
        ) -> $crate::Result<()> {
            Self::__daemon().send(signal)
        }

        /// Returns the daemon's process, if it runs.
        $visibility fn pid() -> $crate::Result<::core::option::Option<$crate::Pid>> {
            Self::__daemon().pid()
        }

        /// Returns the path of the pidfile.
        $visibility fn pidfile() -> ::std::path::PathBuf {
            Self::__daemon().pidfile_path()
        }
    };
}
pub use __companion_verbs as companion_verbs;
