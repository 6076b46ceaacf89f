//! A daemon that runs one function.

use super::{Ending, Work};

/// A function that is called once and returns when it is done, or when [`stopping`](crate::stop_flag) says so.
#[derive(Clone, Debug)]
pub struct Run<F>(pub(crate) F);

impl<F: FnOnce() -> Ending> Work for Run<F> {
    fn work(self) -> Ending {
        (self.0)()
    }
}
