//! Subscribers: they receive every change of a bot.

use crate::cancellation::CancelToken;
use crate::status::Change;
use std::sync::mpsc::{SyncSender, TrySendError};

/// See the module.
#[derive(Default)]
pub(super) struct Subscribers(Vec<Subscriber>);

struct Subscriber {
    sender: SyncSender<Change>,
    cancelled: CancelToken,
    /// Changes that found no room in its queue.
    missed: u64,
}

impl Subscribers {
    pub(super) fn add(&mut self, sender: SyncSender<Change>, cancelled: CancelToken) {
        self.0.push(Subscriber { sender, cancelled, missed: 0 });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Drops the subscribers that have gone. Returns how many are left.
    pub(super) fn drop_cancelled(&mut self) -> usize {
        self.0.retain(|subscriber| !subscriber.cancelled.is_cancelled());
        self.0.len()
    }

    /// Sends a change to all. One that does not keep up misses changes, and receives their number as soon as there is room.
    pub(super) fn send(&mut self, change: &Change) {
        self.0.retain_mut(|subscriber| {
            let missed = Some(subscriber.missed).filter(|missed| *missed > 0).map(Change::Missed);
            for change in missed.into_iter().chain([change.clone()]) {
                match subscriber.sender.try_send(change) {
                    Ok(()) => subscriber.missed = 0,
                    Err(TrySendError::Full(Change::Missed(_))) => {}
                    Err(TrySendError::Full(_)) => subscriber.missed += 1,
                    Err(TrySendError::Disconnected(_)) => return false,
                }
            }
            true
        });
    }
}
