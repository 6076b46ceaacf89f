//! What the attributes print calls to.

use crate::body::Work;
use crate::daemon::Daemon;
use std::process::ExitCode;

/// The body of an annotated `main`.
pub fn main<W: Work>(daemon: Daemon<W>) -> ExitCode {
    daemon.main()
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

/// A by-value argument of a step.
pub fn step_argument<T: StepArgument>(argument: &T) -> T {
    argument.for_this_step()
}
