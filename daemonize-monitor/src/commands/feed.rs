//! What somebody is handed who looks on.

use crate::orders::{Desk, Order};
use crate::presence::Presence;
use std::fmt;
use std::ops::Deref;
use std::sync::mpsc::Receiver;

/// What comes from a monitor, for as long as this is held: a [`Receiver`] that says when it is dropped, so that the
/// monitor forgets it at once.
pub struct Feed<T> {
    items: Receiver<T>,
    presence: Option<Presence>,
    desk: Desk,
}

impl<T> Feed<T> {
    pub(crate) fn new(items: Receiver<T>, presence: Presence, desk: Desk) -> Feed<T> {
        Feed { items, presence: Some(presence), desk }
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
        drop(self.presence.take());
        self.desk.post(Order::Left);
    }
}
