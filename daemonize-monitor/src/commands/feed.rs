//! What somebody is handed who looks on.

use crate::cancellation::CancelGuard;
use crate::command_queue::{Command, CommandSender};
use std::fmt;
use std::ops::Deref;
use std::sync::mpsc::Receiver;

/// What comes from a monitor, for as long as this is held: a [`Receiver`] that says when it is dropped, so that the
/// monitor forgets it at once.
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
