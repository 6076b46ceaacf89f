//! Publishes events to the clients that read `GET /events`.

use crate::json;
use bytes::Bytes;
use daemonize_sys::escape::{escape, is_escaped};
use serde_json::Value;
use std::fmt;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

/// Maximum number of messages that a reader may be behind before it loses the oldest.
const MAX_LAG: usize = 256;

/// Maximum size of a message in bytes.
const MAX_MESSAGE: usize = 64 * 1024;

/// Publishes events to all clients that read `GET /events`. Cheap to clone, usable from any thread.
///
/// ```
/// use daemon::control::Endpoint;
/// use serde_json::json;
///
/// let endpoint = Endpoint::new();
/// let publisher = endpoint.publisher();
/// // Later, in the daemon:
/// publisher.publish("progress", &json!({ "done": 7, "of": 10 }));
/// ```
#[derive(Clone)]
pub struct Publisher(Sender<Bytes>);

impl Publisher {
    pub(crate) fn new() -> Publisher {
        Publisher(Sender::new(MAX_LAG))
    }

    /// Publishes a server-sent event of this name, and returns the number of its readers. Never blocks: a reader that is more
    /// than 256 messages behind loses the oldest ones, and receives an event `lagged` with their number. An event of more than
    /// 64 KiB is not published, but logged.
    pub fn publish(&self, name: &str, value: &Value) -> usize {
        if self.0.receiver_count() == 0 {
            return 0;
        }
        let message = message(name, value);
        if message.len() > MAX_MESSAGE {
            log::warn!(
                "failed to publish `{}`: it has {} bytes, over the limit of {MAX_MESSAGE}",
                escape(name),
                message.len()
            );
            return 0;
        }
        self.0.send(message).unwrap_or(0)
    }

    /// Returns the number of clients that read `GET /events` now. Without readers, an expensive event need not be computed.
    pub fn readers(&self) -> usize {
        self.0.receiver_count()
    }

    /// Returns a subscription to all events from now on.
    pub(crate) fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe())
    }
}

impl Default for Publisher {
    fn default() -> Publisher {
        Publisher::new()
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("readers", &self.0.receiver_count()).finish()
    }
}

/// The events that one reader receives.
pub(crate) struct Subscription(Receiver<Bytes>);

impl Subscription {
    /// Returns the next message; `None` when there will be no more.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        match self.0.recv().await {
            Ok(message) => Some(message),
            Err(RecvError::Lagged(missed)) => Some(message("lagged", &serde_json::json!({ "missed": missed }))),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Returns a server-sent event. Control and format characters of the name are removed, so that it stays in its line.
fn message(name: &str, value: &Value) -> Bytes {
    let name: String = name.chars().filter(|letter| !is_escaped(*letter) && *letter != '\t').collect();
    let mut text = format!("event: {name}\ndata: ").into_bytes();
    text.extend(json::print(value));
    text.extend(b"\n\n");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn message_with_any_content_is_one_event() {
        let text = message("a\nevent: b\u{9b}", &json!({"x": "1\n\ndata: 2\u{2028}"}));
        assert_eq!(
            std::str::from_utf8(&text).unwrap(),
            "event: aevent: b\ndata: {\"x\":\"1\\n\\ndata: 2\\u2028\"}\n\n"
        );
    }

    #[test]
    fn slow_reader_loses_the_oldest_and_receives_their_number() {
        let publisher = Publisher::new();
        assert_eq!(publisher.publish("x", &json!(0)), 0);
        let mut subscription = publisher.subscribe();
        for number in 0..MAX_LAG + 10 {
            assert_eq!(publisher.publish("x", &json!(number)), 1);
        }
        assert_eq!(publisher.publish("x", &json!("x".repeat(MAX_MESSAGE))), 0);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let next = |subscription: &mut Subscription| {
            String::from_utf8(runtime.block_on(subscription.next()).unwrap().to_vec()).unwrap()
        };
        assert_eq!(next(&mut subscription), "event: lagged\ndata: {\"missed\":10}\n\n");
        assert_eq!(next(&mut subscription), "event: x\ndata: 10\n\n");
        drop(publisher);
        (11..MAX_LAG + 10).for_each(|_| drop(next(&mut subscription)));
        assert!(runtime.block_on(subscription.next()).is_none());
    }
}
