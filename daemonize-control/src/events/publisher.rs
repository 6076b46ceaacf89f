//! What the daemon says by itself, to whoever listens.

use crate::json;
use bytes::Bytes;
use daemonize_sys::escape::{escape, is_escaped};
use serde_json::Value;
use std::fmt;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

/// How many messages a reader may be behind before it loses the oldest.
const BEHIND: usize = 256;

/// How long one message may be, in bytes.
const LONGEST: usize = 64 * 1024;

/// Says something to everybody who reads `GET /events`; cheap to clone, usable from any thread.
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
        Publisher(Sender::new(BEHIND))
    }

    /// Says it, as a server-sent event of that name; how many are going to read it. Never waits: who reads too slowly
    /// loses the oldest messages, and is told how many. What is longer than 64 KiB is not said, but logged.
    pub fn publish(&self, name: &str, value: &Value) -> usize {
        if self.0.receiver_count() == 0 {
            return 0;
        }
        let message = message(name, value);
        if message.len() > LONGEST {
            log::warn!("failed to publish `{}`: it has {} bytes", escape(name), message.len());
            return 0;
        }
        self.0.send(message).unwrap_or(0)
    }

    /// How many read `GET /events` now: where there are none, there is no need to find out what could be said.
    pub fn readers(&self) -> usize {
        self.0.receiver_count()
    }

    /// From now on.
    pub(crate) fn listen(&self) -> Heard {
        Heard(self.0.subscribe())
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

/// What one reader hears.
pub(crate) struct Heard(Receiver<Bytes>);

impl Heard {
    /// The next message; nothing when there will be no more.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        match self.0.recv().await {
            Ok(message) => Some(message),
            Err(RecvError::Lagged(missed)) => Some(message("lagged", &serde_json::json!({ "missed": missed }))),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Returns a server-sent event: JSON is one line, and the name is without control and format characters.
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
    fn a_message_is_one_event_whatever_is_in_it() {
        let text = message("a\nevent: b\u{9b}", &json!({"x": "1\n\ndata: 2\u{2028}"}));
        assert_eq!(
            std::str::from_utf8(&text).unwrap(),
            "event: aevent: b\ndata: {\"x\":\"1\\n\\ndata: 2\\u2028\"}\n\n"
        );
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_is_told_how_many() {
        let publisher = Publisher::new();
        assert_eq!(publisher.publish("x", &json!(0)), 0);
        let mut heard = publisher.listen();
        for number in 0..BEHIND + 10 {
            assert_eq!(publisher.publish("x", &json!(number)), 1);
        }
        assert_eq!(publisher.publish("x", &json!("x".repeat(LONGEST))), 0);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let next = |heard: &mut Heard| String::from_utf8(runtime.block_on(heard.next()).unwrap().to_vec()).unwrap();
        assert_eq!(next(&mut heard), "event: lagged\ndata: {\"missed\":10}\n\n");
        assert_eq!(next(&mut heard), "event: x\ndata: 10\n\n");
        drop(publisher);
        (11..BEHIND + 10).for_each(|_| drop(next(&mut heard)));
        assert!(runtime.block_on(heard.next()).is_none());
    }
}
