//! A daemon that runs one function.

use super::{BodyResult, Work};

/// A function that is called once and returns when it is done, or when [`stopping`](crate::stopping) says so.
#[derive(Clone, Debug)]
pub struct Run<F>(pub(crate) F);

impl<F: FnOnce() -> BodyResult> Work for Run<F> {
    fn work(self) -> BodyResult {
        (self.0)()
    }
}
