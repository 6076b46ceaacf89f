//! Whoever follows the lines of a bot.

use crate::cancellation::CancelToken;
use std::sync::mpsc::{SyncSender, TrySendError};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError as Refused;

/// Where the lines go. Whoever cannot keep up misses some.
#[derive(Clone)]
pub(crate) enum Follower {
    /// To the program that the monitor is part of.
    Program(SyncSender<Vec<u8>>, CancelToken),
    /// To a reader of the endpoint.
    Reader(mpsc::Sender<Vec<u8>>),
}

impl Follower {
    /// Hands lines on; whether somebody is still there.
    pub(crate) fn send(&self, lines: &[u8]) -> bool {
        match self {
            Follower::Program(sender, _) => {
                !matches!(sender.try_send(lines.to_vec()), Err(TrySendError::Disconnected(_)))
            }
            Follower::Reader(sender) => !matches!(sender.try_send(lines.to_vec()), Err(Refused::Closed(_))),
        }
    }

    /// Returns `true` if the follower has gone.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Follower::Program(_, token) => token.is_cancelled(),
            Follower::Reader(sender) => sender.is_closed(),
        }
    }
}
