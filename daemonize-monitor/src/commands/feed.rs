//! A feed of changes or output from the monitor.

use crate::cancellation::CancelGuard;
use crate::command_queue::{Command, CommandSender};
use std::fmt;
use std::ops::Deref;
use std::sync::mpsc::Receiver;

/// A [`Receiver`] of changes or output. Dropping it unsubscribes from the monitor at once.
pub struct Feed<T> {
    items: Receiver<T>,
    guard: Option<CancelGuard>,
    sender: CommandSender,
}

impl<T> Feed<T> {
    pub(crate) fn new(items: Receiver<T>, guard: CancelGuard, sender: CommandSender) -> Feed<T> {
        Feed { items, guard: Some(guard), sender }
    }
}

impl<T> fmt::Debug for Feed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Feed")
    }
}

impl<T> Deref for Feed<T> {
    type Target = Receiver<T>;

    fn deref(&self) -> &Receiver<T> {
        &self.items
    }
}

impl<T> Drop for Feed<T> {
    fn drop(&mut self) {
        drop(self.guard.take());
        self.sender.post(Command::ObserverLeft);
    }
}
