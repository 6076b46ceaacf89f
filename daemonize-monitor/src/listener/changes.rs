//! Changes of bots, published as server-sent events to the readers of `GET /events`.

use super::bot_document;
use super::day_history::SAMPLE_INTERVAL;
use super::state::Listener;
use crate::cancellation::CancelGuard;
use crate::command_queue::Command;
use crate::status::Change;
use serde_json::json;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// The capacity of the queue of changes. When it is full, changes are dropped, and the readers receive their number.
const MAX_QUEUED_CHANGES: usize = 4096;
/// The shortest time between two events with counts.
const COUNTS_INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a failed attempt to spawn the thread.
const SPAWN_RETRY_INTERVAL: Duration = Duration::from_millis(10);
/// The time for which spawning the thread is retried.
const SPAWN_TIMEOUT: Duration = Duration::from_secs(5);
/// The time that a client of `GET /bots` has to open `GET /events` before counting ends.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// Spawns a task that publishes counts while there are readers, unless one runs.
pub(super) fn spawn_counter(listener: &Listener) {
    if listener.0.counting.swap(true, SeqCst) {
        return;
    }
    let (listener, counting) = (listener.clone(), Arc::clone(&listener.0.counting));
    tokio::spawn(async move {
        publish_counts(&listener).await;
        counting.store(false, SeqCst);
    });
}

/// Spawns the thread that publishes changes of the engine. Retries for a while if the system has no thread left.
///
/// # Errors
/// The thread could not be spawned.
pub(super) fn spawn_publisher(listener: &Listener) -> io::Result<()> {
    let end = Instant::now() + SPAWN_TIMEOUT;
    loop {
        let listener = listener.clone();
        match thread::Builder::new().name("changes".into()).spawn(move || publish_changes(&listener)) {
            Err(_) if Instant::now() < end => thread::sleep(SPAWN_RETRY_INTERVAL),
            outcome => return outcome.map(drop),
        }
    }
}

/// Publishes changes until the engine ends and closes the channel.
fn publish_changes(listener: &Listener) {
    let publisher = &listener.0.publisher;
    let (sender, changes) = mpsc::sync_channel(MAX_QUEUED_CHANGES);
    let guard = CancelGuard::default();
    drop(listener.0.commands.sender().send(Command::Subscribe(sender, guard.token()), false, drop));
    let mut next_sample = listener.0.has_page.then(|| Instant::now() + SAMPLE_INTERVAL);
    loop {
        let change = match next_sample {
            None => changes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => changes.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        take_sample(listener, &mut next_sample);
        let change = match change {
            Ok(change) => change,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if publisher.readers() == 0 {
            continue;
        }
        match change {
            Change::Bot(status) => {
                for bot in listener.documents(&[*status]) {
                    publisher.publish("bot", &json!(bot));
                }
            }
            Change::Removed(name) => drop(publisher.publish("removed", &json!({ "name": name }))),
            Change::Missed(number) => drop(publisher.publish("lagged", &json!({ "missed": number }))),
        }
    }
}

/// Takes a sample for the history of the bots, if one is due.
fn take_sample(listener: &Listener, next: &mut Option<Instant>) {
    let now = Instant::now();
    if next.take_if(|at| *at <= now).is_some() {
        *next = Some(now + SAMPLE_INTERVAL);
        if let Ok(bots) = listener.0.commands.status() {
            listener.0.history.sample(&bots);
        }
    }
}

/// Publishes the counts that have changed, once a second, until no reader is left.
async fn publish_counts(listener: &Listener) {
    let publisher = &listener.0.publisher;
    let begin = Instant::now();
    let mut previous: Option<HashMap<String, u64>> = None;
    while begin.elapsed() < READER_TIMEOUT || publisher.readers() > 0 {
        let Ok(bots) = listener.bots().await else { return };
        let now = Instant::now();
        let mut totals = HashMap::with_capacity(bots.len());
        for status in &bots {
            let total: u64 = status.counts.iter(now).map(|count| count.total).sum();
            let before = previous.as_ref().and_then(|previous| previous.get(&status.name)).copied();
            if previous.is_some() && before != Some(total) {
                let events = bot_document::events(&status.counts, now);
                publisher.publish("counts", &json!({ "name": status.name, "events": events }));
            }
            totals.insert(status.name.clone(), total);
        }
        previous = Some(totals);
        tokio::time::sleep(COUNTS_INTERVAL).await;
    }
}
