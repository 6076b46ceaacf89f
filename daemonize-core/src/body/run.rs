//! The body that calls one function.

use super::{BodyResult, Work};

/// A function that is called once and returns when its work is done, or when [`stopping`](crate::stopping) is `true`.
#[derive(Clone, Debug)]
pub struct Run<F>(pub(crate) F);

impl<F: FnOnce() -> BodyResult> Work for Run<F> {
    fn work(self) -> BodyResult {
        (self.0)()
    }
}
