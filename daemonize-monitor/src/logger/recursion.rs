//! Prevents the logger from logging its own messages, which would deadlock.

use std::cell::Cell;

thread_local! {
    /// `true` while this thread writes a log message: messages that the write itself logs are dropped.
    pub(super) static IS_LOGGING: Cell<bool> = const { Cell::new(false) };
}
