//! Followers: receivers of a bot's lines as they are written.

use crate::cancellation::CancelToken;
use std::sync::mpsc::{SyncSender, TrySendError};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError as Refused;

/// A receiver of lines. A slow follower misses some: nothing waits for it.
#[derive(Clone)]
pub(crate) enum Follower {
    /// The program that embeds the monitor.
    Program(SyncSender<Vec<u8>>, CancelToken),
    /// A client of the HTTP endpoint.
    Reader(mpsc::Sender<Vec<u8>>),
}

impl Follower {
    /// Sends lines without blocking. Returns `false` if the follower is gone.
    pub(crate) fn send(&self, lines: &[u8]) -> bool {
        match self {
            Follower::Program(sender, _) => {
                !matches!(sender.try_send(lines.to_vec()), Err(TrySendError::Disconnected(_)))
            }
            Follower::Reader(sender) => !matches!(sender.try_send(lines.to_vec()), Err(Refused::Closed(_))),
        }
    }

    /// Returns `true` if the follower is gone.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Follower::Program(_, token) => token.is_cancelled(),
            Follower::Reader(sender) => sender.is_closed(),
        }
    }
}
