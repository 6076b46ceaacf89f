//! Whoever follows the lines of a bot.

use std::sync::mpsc::{SyncSender, TrySendError};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError as Refused;

/// Where the lines go. Whoever cannot keep up misses some.
#[derive(Clone)]
pub(crate) enum Follower {
    /// To the program that the monitor is part of.
    Program(SyncSender<Vec<u8>>),
    /// To a reader of the endpoint.
    Reader(mpsc::Sender<Vec<u8>>),
}

impl Follower {
    /// Hands lines on; whether somebody is still there.
    pub(crate) fn take(&self, lines: &[u8]) -> bool {
        match self {
            Follower::Program(sender) => !matches!(sender.try_send(lines.to_vec()), Err(TrySendError::Disconnected(_))),
            Follower::Reader(sender) => !matches!(sender.try_send(lines.to_vec()), Err(Refused::Closed(_))),
        }
    }

    /// Whether it is known that nobody is there; of a program that shows only when there are lines.
    pub(crate) fn has_left(&self) -> bool {
        matches!(self, Follower::Reader(sender) if sender.is_closed())
    }
}
