//! Implementations of message handling to compare: the pools of the library, and code written by hand.

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use daemon::__private as pools;
use measure::median;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

/// The pause before a message whose latency is measured.
const PAUSE: Duration = Duration::from_micros(200);

/// The work of a handler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Handler {
    Nothing,
    /// Waits for a millisecond, as a handler that queries a database does.
    Waits,
}

impl Handler {
    /// Returns the name in the report, in a pool of this size.
    pub(crate) fn name(self, size: usize) -> String {
        let name = if self == Handler::Nothing { "nothing" } else { "waits" };
        format!("{name}, pool of {size}")
    }

    /// Returns the number of messages in one measurement.
    pub(crate) fn messages(self) -> u64 {
        match self {
            Handler::Nothing => 100_000,
            Handler::Waits => 10_000,
        }
    }

    fn handle(self, message: u64) {
        black_box(message);
        if self == Handler::Waits {
            thread::sleep(Duration::from_millis(1));
        }
    }

    async fn handle_async(self, message: u64) {
        black_box(message);
        if self == Handler::Waits {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

pub(crate) fn several_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// Handles messages in the library's threads.
pub(crate) fn pool(handler: Handler, size: usize, count: u64) {
    let mut messages = 0..count;
    pools::pump(size, move || messages.next(), move |message| handler.handle(message));
}

/// Handles messages in the library's tasks.
pub(crate) fn tasks(runtime: &Runtime, handler: Handler, size: usize, count: u64) {
    let mut messages = 0..count;
    let handle = move |message| handler.handle_async(message);
    runtime.block_on(pools::pump_async(size, async || messages.next(), handle));
}

/// Handles messages in threads that are fed by a bounded channel.
pub(crate) fn by_channel(handler: Handler, size: usize) {
    feed(size, 0..handler.messages(), |message| handler.handle(message));
}

fn feed<T: Send>(size: usize, messages: impl Iterator<Item = T>, handle: impl Fn(T) + Copy + Send) {
    let (sender, receiver) = crossbeam_channel::bounded(size);
    thread::scope(|scope| {
        for _ in 0..size {
            let receiver = receiver.clone();
            scope.spawn(move || receiver.iter().for_each(handle));
        }
        for message in messages {
            sender.send(message).expect("a receiver");
        }
        drop(sender);
    });
}

/// Handles messages in tasks, of which each has a permit.
pub(crate) fn by_hand(runtime: &Runtime, handler: Handler, size: usize) {
    let messages = 0..handler.messages();
    spawn_each(runtime, size, messages, move |message| handler.handle_async(message));
}

fn spawn_each<T, F>(runtime: &Runtime, size: usize, messages: impl Iterator<Item = T>, handle: impl Fn(T) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    runtime.block_on(async {
        let permits = Arc::new(Semaphore::new(size));
        for message in messages {
            let permit = Arc::clone(&permits).acquire_owned().await.expect("an open semaphore");
            let handled = handle(message);
            tokio::spawn(async move {
                handled.await;
                drop(permit);
            });
        }
        let all = u32::try_from(size).expect("a small number");
        drop(permits.acquire_many(all).await);
    });
}

/// The time from the fetching of each message to the beginning of its handler, in microseconds.
#[derive(Clone, Default)]
struct Latencies(Arc<Mutex<Vec<f64>>>);

impl Latencies {
    fn note(&self, fetched: Instant) {
        let time = fetched.elapsed().as_secs_f64() * 1e6;
        self.0.lock().expect("a handler that does not panic").push(time);
    }

    fn median(&self) -> f64 {
        median(&self.0.lock().expect("a handler that does not panic"))
    }
}

/// Returns `count` messages, which are fetched one after another with a pause.
fn spaced(count: u64) -> impl Iterator<Item = Instant> {
    (0..count).map(|_| {
        thread::sleep(PAUSE);
        Instant::now()
    })
}

/// Returns the median latency of messages in the library's threads.
pub(crate) fn pool_latency(size: usize, count: u64) -> f64 {
    let (latencies, mut messages) = (Latencies::default(), spaced(count));
    let noted = latencies.clone();
    pools::pump(size, move || messages.next(), move |fetched| noted.note(fetched));
    latencies.median()
}

/// Returns the median latency of messages in threads that are fed by a channel.
pub(crate) fn channel_latency(size: usize, count: u64) -> f64 {
    let latencies = Latencies::default();
    feed(size, spaced(count), |fetched| latencies.note(fetched));
    latencies.median()
}

/// Returns the median latency of messages in the library's tasks.
pub(crate) fn task_latency(runtime: &Runtime, size: usize, count: u64) -> f64 {
    let (latencies, mut messages) = (Latencies::default(), spaced(count));
    let noted = latencies.clone();
    let handle = move |fetched| {
        let noted = noted.clone();
        async move { noted.note(fetched) }
    };
    runtime.block_on(pools::pump_async(size, async || messages.next(), handle));
    latencies.median()
}

/// Returns the median latency of messages in tasks that are spawned by hand.
pub(crate) fn spawn_latency(runtime: &Runtime, size: usize, count: u64) -> f64 {
    let latencies = Latencies::default();
    spawn_each(runtime, size, spaced(count), |fetched| {
        let noted = latencies.clone();
        async move { noted.note(fetched) }
    });
    latencies.median()
}
