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
    /// It was stopped by another instance.
    pub(super) is_untouched: Cell<bool>,
}

impl RollProgress {
    /// Returns the progress as a status has it.
    pub(super) fn told(&self) -> Rolling {
        let (done, total, untouched) = (self.done.get(), self.total.get(), self.is_untouched.get());
        Rolling { done, total, failure: self.failure.borrow().clone(), untouched }
    }

    /// Returns what the instance that has stopped the roll shows.
    pub(super) fn of_failed(&self, cause: &str) -> RollProgress {
        let failure = RefCell::new(Some(cause.to_owned()));
        RollProgress { done: self.done.clone(), total: self.total.clone(), failure, is_untouched: Cell::new(false) }
    }

    /// Notes which instance has stopped the roll, for those that are untouched.
    pub(super) fn fail(&self, failed: &str) {
        *self.failure.borrow_mut() = Some(format!("`{failed}` failed"));
        self.is_untouched.set(true);
    }

    /// Returns `true` if it was stopped by a failure.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.borrow().is_some()
    }
}
