//! What somebody is handed who looks on, and how one knows that he has gone.

use crate::orders::{Desk, Order};
use std::fmt;
use std::ops::Deref;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Weak};

/// Held by somebody who waits for something.
#[derive(Debug, Default)]
pub(crate) struct Presence(Arc<()>);

/// Tells whether he still does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Absence(Weak<()>);

impl Presence {
    pub(crate) fn watched(&self) -> Absence {
        Absence(Arc::downgrade(&self.0))
    }
}

impl Absence {
    pub(crate) fn has_left(&self) -> bool {
        self.0.strong_count() == 0
    }
}

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
