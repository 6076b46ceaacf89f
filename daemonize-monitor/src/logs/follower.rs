//! Followers: receivers of a bot's lines as they are written.

use super::line_stamp::LineStamp;
use super::run_history::BotRun;
use crate::bot::Bot;
use crate::cancellation::CancelToken;
use memchr::memchr_iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError as Refused;

/// Whole lines of a bot that were read at once.
#[derive(Debug)]
pub(crate) struct OutputChunk {
    pub(crate) bot: Arc<Bot>,
    pub(crate) stamp: LineStamp,
    pub(crate) lines: Box<[u8]>,
}

/// News of a log.
#[derive(Clone, Debug)]
pub(crate) enum LogNews {
    Lines(Arc<OutputChunk>),
    /// A run of a bot has ended. Lines that its descendants print may follow.
    RunEnded(Arc<Bot>, Arc<BotRun>),
}

impl LogNews {
    fn line_count(&self) -> u64 {
        match self {
            LogNews::Lines(chunk) => memchr_iter(b'\n', &chunk.lines).count() as u64,
            LogNews::RunEnded(..) => 0,
        }
    }
}

/// A receiver of lines. A slow follower misses some: nothing waits for it.
#[derive(Clone)]
pub(crate) enum Follower {
    /// The program that embeds the monitor.
    Program(SyncSender<Vec<u8>>, CancelToken),
    /// A client of the HTTP endpoint, with the number of lines that it missed.
    Reader(mpsc::Sender<LogNews>, Arc<AtomicU64>),
}

impl Follower {
    /// Sends news without blocking. Returns `false` if the follower is gone.
    pub(crate) fn send(&self, news: &LogNews) -> bool {
        match (self, news) {
            (Follower::Program(sender, _), LogNews::Lines(chunk)) => {
                !matches!(sender.try_send(chunk.lines.to_vec()), Err(TrySendError::Disconnected(_)))
            }
            (Follower::Program(..), LogNews::RunEnded(..)) => !self.is_closed(),
            (Follower::Reader(sender, missed), _) => match sender.try_send(news.clone()) {
                Ok(()) => true,
                Err(Refused::Full(_)) => {
                    missed.fetch_add(news.line_count(), Relaxed);
                    true
                }
                Err(Refused::Closed(_)) => false,
            },
        }
    }

    /// Returns `true` if the follower is gone.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Follower::Program(_, token) => token.is_cancelled(),
            Follower::Reader(sender, _) => sender.is_closed(),
        }
    }
}
