//! Handles messages in tokio tasks: one task fetches them, one task per message handles it.

mod nack_on_forced_exit;
mod receipts;
mod settle;
mod stop_listener;

use crate::body::async_body::guarded_async;
use crate::body::messages::HandlerSettings;
use crate::body::messages::ack::Nack;
use crate::body::messages::ack_async::AckAsync;
use crate::body::messages::delivery::Tracked;
use crate::body::messages::fetch_async::FetchAsync;
use crate::body::messages::rate_limited_errors::RateLimitedErrors;
use crate::body::messages::retry::Retry;
use crate::body::{BodyResult, IntoExit, guarded};
use crate::counters::{COUNTS, Counts};
use crate::mutex::lock;
use crate::shutdown;
use crate::stop_flag::StopFuture;
use receipts::Receipts;
use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use stop_listener::StopListener;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

/// The data that the tasks share.
struct TaskPool<A, H> {
    handle: H,
    retry: Retry,
    /// One per message that may be in flight.
    permits: Semaphore,
    pool_size: usize,
    /// `true` while the function that fetches messages runs.
    fetching: AtomicBool,
    /// The receipts of the messages in flight; unused if the receipts are empty.
    receipts: Mutex<Receipts<A>>,
    /// Wake the thread that ends the daemon, and the body, when every receipt is settled.
    settled_sync: Condvar,
    settled_async: Notify,
    counts: &'static Counts,
    runtime: Handle,
}

/// A message in flight, which returns its permit when it is dropped.
struct InFlightMessage<A, H> {
    pool: Arc<TaskPool<A, H>>,
    /// The slot of its receipt, unless the receipt is empty.
    slot: Option<u32>,
}

impl<A, H> Drop for InFlightMessage<A, H> {
    fn drop(&mut self) {
        self.pool.permits.add_permits(1);
    }
}

/// The name of a handler in error texts.
const HANDLER: &str = "the handler of a message";

/// Runs the body of a daemon that handles messages in tasks, until a stop is requested and no message is in flight.
pub(crate) async fn handle_messages_async<F, K, H, B, J>(
    mut fetch: F,
    handle: H,
    settings: HandlerSettings,
) -> BodyResult
where
    F: FetchAsync<K>,
    F::Receipt: AckAsync,
    H: Fn(F::Message) -> B + Send + Sync + 'static,
    B: Future + Send + 'static,
    B::Output: IntoExit<J>,
    J: 'static,
{
    let pool = TaskPool::new(settings.pool_size, handle, settings.retry, &COUNTS);
    shutdown::register(Arc::new(Arc::clone(&pool)));
    let pause = async || drop(timeout(settings.idle_time, StopFuture::for_runner()).await);
    fetch_loop(&pool, &mut fetch, || false, pause).await;
    pool.drain().await;
    if !shutdown::complete() {
        // The stop timeout is over, and the signal thread settles receipts in the runtime, which ends when this returns.
        pending::<()>().await;
    }
    BodyResult::success()
}

/// Fetches messages while the pool has capacity, until a stop is requested or `is_over` returns `true`; awaits `pause` if the
/// source has no message.
async fn fetch_loop<F, K, H, B, J>(
    pool: &Arc<TaskPool<F::Receipt, H>>,
    fetch: &mut F,
    is_over: impl Fn() -> bool,
    pause: impl AsyncFn(),
) where
    F: FetchAsync<K>,
    F::Receipt: AckAsync,
    H: Fn(F::Message) -> B + Send + Sync + 'static,
    B: Future + Send + 'static,
    B::Output: IntoExit<J>,
    J: 'static,
{
    let mut errors = RateLimitedErrors::default();
    let mut stop = StopListener::default();
    while !is_over() {
        let permit = match pool.permits.try_acquire() {
            Ok(permit) => permit,
            // The semaphore is never closed: this means that no permit is free.
            Err(_) => match stop.or(pin!(pool.permits.acquire())).await {
                Some(Ok(permit)) => permit,
                _ => return,
            },
        };
        pool.fetching.store(true, Relaxed);
        let found = stop.or(pin!(fetch_once(fetch))).await;
        pool.fetching.store(false, Relaxed);
        match found {
            None => return,
            Some(Ok(Some((message, receipt)))) => {
                stop.answered = true;
                pool.counts.fetched();
                match pool.store_receipt(receipt) {
                    Ok(slot) => {
                        permit.forget();
                        tokio::spawn(handle_message(InFlightMessage { pool: Arc::clone(pool), slot }, message));
                    }
                    Err(receipt) => {
                        return pool.settle_receipt(receipt.receipt.nack(Nack::Unfinished)).await;
                    }
                }
                continue;
            }
            Some(Ok(None)) => stop.answered = true,
            Some(Err(error)) => {
                errors.report(&error);
            }
        }
        drop(permit);
        if stop.is_requested() {
            return;
        }
        pause().await;
    }
}

/// Handles a message, then settles its receipt.
#[allow(clippy::manual_async_fn)] // One per message: an async function would keep its arguments in its future twice.
fn handle_message<T, A, H, B, J>(in_flight: InFlightMessage<A, H>, message: T) -> impl Future<Output = ()>
where
    A: AckAsync,
    H: Fn(T) -> B + Send + Sync + 'static,
    B: Future,
    B::Output: IntoExit<J>,
{
    async move {
        let succeeded = {
            let mut handling = pin!(Some(async { (in_flight.pool.handle)(message).await.into_exit() }));
            let ending = match handling.as_mut().as_pin_mut() {
                Some(handling) => guarded_async(HANDLER, handling).await,
                None => BodyResult::success(),
            };
            // The handler's future is dropped here, so that a panic in the drop is a failure of the message, too.
            let dropped = guarded(HANDLER, || {
                handling.set(None);
                BodyResult::success()
            });
            let succeeded = [ending, dropped].map(|ending| ending.reported().error().is_none());
            succeeded == [true, true]
        };
        let tracked = in_flight.slot.and_then(|slot| lock(&in_flight.pool.receipts).take(slot));
        if let Some(tracked) = tracked {
            // Boxed, so that a task whose receipt is empty stays small.
            Box::pin(in_flight.pool.settle_outcome(tracked, succeeded)).await;
        }
        in_flight.pool.counts.ended_concurrently(succeeded);
    }
}

/// Runs the pool without a daemon, for the bench: handles messages until `fetch` returns `None`.
pub async fn pump_async<F, K, H, B, J>(pool_size: usize, mut fetch: F, handle: H)
where
    F: FetchAsync<K>,
    F::Receipt: AckAsync,
    H: Fn(F::Message) -> B + Send + Sync + 'static,
    B: Future + Send + 'static,
    B::Output: IntoExit<J>,
    J: 'static,
{
    static COUNTS: Counts = Counts::new();
    let pool = TaskPool::new(pool_size, handle, Retry::new(), &COUNTS);
    let is_over = Cell::new(false);
    fetch_loop(&pool, &mut fetch, || is_over.get(), async || is_over.set(true)).await;
    pool.drain().await;
}

impl<A: AckAsync, H: Send + Sync + 'static> TaskPool<A, H> {
    fn new(pool_size: usize, handle: H, retry: Retry, counts: &'static Counts) -> Arc<TaskPool<A, H>> {
        Arc::new(TaskPool {
            handle,
            retry,
            permits: Semaphore::new(pool_size),
            pool_size,
            fetching: AtomicBool::new(false),
            receipts: Mutex::new(Receipts::new()),
            settled_sync: Condvar::new(),
            settled_async: Notify::new(),
            counts,
            runtime: Handle::current(),
        })
    }

    /// Stores the receipt of a message, unless it is empty. Returns the index of its slot.
    ///
    /// # Errors
    /// The receipt, to be rejected now, if the daemon is being forced to exit.
    fn store_receipt(&self, receipt: Tracked<A>) -> Result<Option<u32>, Tracked<A>> {
        if A::IS_EMPTY { Ok(None) } else { lock(&self.receipts).insert(receipt).map(Some) }
    }
}

/// Fetches a message; `None` if the source has none now.
///
/// # Errors
/// The text of the error or panic of `fetch`.
async fn fetch_once<F: FetchAsync<K>, K>(fetch: &mut F) -> Result<Option<(F::Message, Tracked<F::Receipt>)>, String> {
    let mut found = None;
    let ending = {
        let fetching = pin!(async {
            match fetch.fetch().await {
                Ok(message) => {
                    found = message;
                    BodyResult::success()
                }
                Err(ending) => ending,
            }
        });
        guarded_async("fetching a message", fetching).await
    };
    ending.error().map_or(Ok(found), |error| Err(error.to_owned()))
}

#[cfg(test)]
mod tests;
