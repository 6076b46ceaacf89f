//! The last messages of the monitor, in memory: they can be read wherever its log goes.

use crate::logs::{now_in_ms, prefix};
use daemonize_sys::mutex::lock;
use log::Level;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// The size of all messages that are kept.
const MAX_BYTES: usize = 64 * 1024;
/// The longest message.
const MAX_MESSAGE_BYTES: usize = 4096;
/// The size of a message without its text.
const MESSAGE_BYTES: usize = std::mem::size_of::<MonitorMessage>();

/// A message of the monitor.
#[derive(Debug)]
pub(crate) struct MonitorMessage {
    /// Milliseconds since 1970.
    pub(crate) time: u64,
    pub(crate) level: Level,
    pub(crate) text: Box<str>,
}

/// A receiver of messages, with the number of those that it missed.
pub(crate) type MessageFollower = (mpsc::Sender<Arc<MonitorMessage>>, Arc<AtomicU64>);

/// See the module.
#[derive(Default)]
pub(super) struct MessageLog(Mutex<Messages>);

#[derive(Default)]
struct Messages {
    kept: VecDeque<Arc<MonitorMessage>>,
    bytes: usize,
    followers: Vec<MessageFollower>,
}

impl MessageLog {
    /// Keeps a message, and sends it to the followers without blocking.
    pub(super) fn add(&self, level: Level, text: &str) {
        let text = String::from_utf8_lossy(prefix(text.as_bytes(), MAX_MESSAGE_BYTES)).into();
        let message = Arc::new(MonitorMessage { time: now_in_ms(), level, text });
        let mut messages = lock(&self.0);
        messages.bytes += message.text.len() + MESSAGE_BYTES;
        messages.followers.retain(|(sender, missed)| match sender.try_send(Arc::clone(&message)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                missed.fetch_add(1, Relaxed);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
        messages.kept.push_back(message);
        while messages.bytes > MAX_BYTES {
            let Some(oldest) = messages.kept.pop_front() else { return };
            messages.bytes -= oldest.text.len() + MESSAGE_BYTES;
        }
    }

    /// Returns the messages, the oldest first. A follower is sent exactly what comes after them.
    pub(super) fn read(&self, follower: Option<MessageFollower>) -> Vec<Arc<MonitorMessage>> {
        let mut messages = lock(&self.0);
        messages.followers.retain(|(sender, _)| !sender.is_closed());
        messages.followers.extend(follower);
        messages.kept.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_messages_are_kept() {
        let log = MessageLog::default();
        log.add(Level::Info, "first");
        for number in 0..1000 {
            log.add(Level::Warn, &format!("{number} {}", "x".repeat(number * 10)));
        }
        let kept = log.read(None);
        let size: usize = kept.iter().map(|message| message.text.len() + MESSAGE_BYTES).sum();
        assert!(size <= MAX_BYTES && size > MAX_BYTES - MAX_MESSAGE_BYTES - MESSAGE_BYTES, "{size}");
        assert!(kept.last().is_some_and(|last| last.text.starts_with("999 x")) && &*kept[0].text != "first");
    }

    #[test]
    fn follower_is_sent_each_message_once() {
        let log = MessageLog::default();
        log.add(Level::Info, "before");
        let (sender, mut receiver) = mpsc::channel(1);
        let missed = Arc::<AtomicU64>::default();
        assert_eq!(log.read(Some((sender, Arc::clone(&missed)))).len(), 1);
        log.add(Level::Info, "after");
        log.add(Level::Info, "lost");
        assert_eq!(receiver.try_recv().ok().as_deref().map(|message| &*message.text), Some("after"));
        assert!(receiver.try_recv().is_err() && missed.load(Relaxed) == 1);
    }
}
