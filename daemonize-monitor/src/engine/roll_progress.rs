//! The progress of a rolling restart, as the instances that take part in it show it.

use crate::status::Rolling;
use std::cell::{Cell, RefCell};

/// The progress of a rolling restart, shared by the instances that take part in it.
#[derive(Default)]
pub(super) struct RollProgress {
    pub(super) done: Cell<usize>,
    pub(super) total: Cell<usize>,
    /// Why it was stopped.
    pub(super) failure: RefCell<Option<String>>,
}

impl RollProgress {
    /// Returns the progress as a status has it.
    pub(super) fn told(&self) -> Rolling {
        Rolling { done: self.done.get(), total: self.total.get(), failure: self.failure.borrow().clone() }
    }

    /// Returns `true` if it was stopped by a failure.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.borrow().is_some()
    }
}
