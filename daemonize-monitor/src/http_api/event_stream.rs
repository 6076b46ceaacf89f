//! What happens to bots, said to whoever reads `GET /events`.

use super::{ApiState, bot_json};
use crate::cancellation::CancelGuard;
use crate::command_queue::Command;
use crate::status::Change;
use daemonize_control::Publisher;
use serde_json::json;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// So many changes are kept while this is busy; then some are missed, and that is said.
const CHANGE_CAPACITY: usize = 4096;
/// How often counts are said at the most.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);
/// How long after a thread could not be made it is tried again.
const SPAWN_RETRY_INTERVAL: Duration = Duration::from_millis(10);
/// Whoever asks for the bots has this long to read the events, too.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// Says changes of state as they come; and what was counted, while somebody listens who asked for the bots.
pub(super) struct EventStream {
    publisher: Publisher,
    /// Whether counts are being said.
    counting: Arc<AtomicBool>,
}

impl EventStream {
    pub(super) fn new(publisher: Publisher) -> EventStream {
        EventStream { publisher, counting: Arc::default() }
    }

    /// Somebody asks for the bots, and so may listen to what becomes of them.
    pub(super) fn publish_counts(&self, listener: &ApiState) {
        if !self.counting.swap(true, SeqCst) {
            let (listener, counting) = (listener.clone(), Arc::clone(&self.counting));
            tokio::spawn(async move {
                count(&listener).await;
                counting.store(false, SeqCst);
            });
        }
    }

    /// Listens to the engine, in a thread of its own. Where none can be had it is tried again for a while.
    ///
    /// # Errors
    /// There is no room for a thread.
    pub(super) fn begin(&self, listener: &ApiState) -> io::Result<()> {
        let end = Instant::now() + READER_TIMEOUT;
        loop {
            let (publisher, listener) = (self.publisher.clone(), listener.clone());
            match thread::Builder::new().name("changes".into()).spawn(move || publish(&listener, &publisher)) {
                Err(_) if Instant::now() < end => thread::sleep(SPAWN_RETRY_INTERVAL),
                outcome => return outcome.map(drop),
            }
        }
    }
}

/// Ends with the engine.
fn publish(listener: &ApiState, publisher: &Publisher) {
    let (sender, changes) = mpsc::sync_channel(CHANGE_CAPACITY);
    let guard = CancelGuard::default();
    drop(listener.0.commands.sender().send(Command::Subscribe(sender, guard.token()), false, drop));
    for change in changes {
        if publisher.readers() == 0 {
            continue;
        }
        match change {
            Change::Bot(status) => {
                for bot in listener.shown(&[*status]) {
                    publisher.publish("bot", &json!(bot));
                }
            }
            Change::Removed(name) => drop(publisher.publish("removed", &json!({ "name": name }))),
            Change::Missed(number) => drop(publisher.publish("lagged", &json!({ "missed": number }))),
        }
    }
}

/// Says what was counted, once a second, until nobody listens any more.
async fn count(listener: &ApiState) {
    let changes = &listener.0.changes;
    let begin = Instant::now();
    let mut known: Option<HashMap<String, u64>> = None;
    while begin.elapsed() < READER_TIMEOUT || changes.publisher.readers() > 0 {
        let Ok(bots) = listener.bots().await else { return };
        let now = Instant::now();
        let mut totals = HashMap::with_capacity(bots.len());
        for status in &bots {
            let total: u64 = status.counts.iter(now).map(|count| count.total).sum();
            let was = known.as_ref().and_then(|known| known.get(&status.name)).copied();
            if known.is_some() && was != Some(total) {
                let events = bot_json::events(&status.counts, now);
                changes.publisher.publish("counts", &json!({ "name": status.name, "events": events }));
            }
            totals.insert(status.name.clone(), total);
        }
        known = Some(totals);
        tokio::time::sleep(COUNT_INTERVAL).await;
    }
}
