//! Messages whose handlers await: one task fetches, a task for each message handles it.

mod receipts;
mod telling;

use super::Handling;
use super::awaited::{AckAsync, FetchAsync};
use super::complaints::Complaints;
use super::delivery::{Nack, Tracked};
use super::retry::Retry;
use crate::body::asynchronous::guarded_async;
use crate::body::{BodyResult, IntoExit, guarded};
use crate::counters::{COUNTS, Counts};
use crate::mutex::lock;
use crate::shutdown;
use crate::stop_flag::{self, StopFuture};
use receipts::Receipts;
use std::cell::Cell;
use std::error::Error;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

/// What the tasks share.
struct Shared<A, H> {
    handle: H,
    retry: Retry,
    /// As many as there may be messages in flight.
    permits: Semaphore,
    pool_size: usize,
    /// Whether the function that fetches has been called and has not come to its end.
    fetching: AtomicBool,
    /// Of the messages in flight; unused where there is nothing to tell.
    receipts: Mutex<Receipts<A>>,
    /// When no receipt is being told any more: for the thread that ends the daemon, and for the body.
    all_told: Condvar,
    quiet: Notify,
    counts: &'static Counts,
    runtime: Handle,
}

/// One message in flight: its permit is given back when this is dropped.
struct InFlight<A, H> {
    shared: Arc<Shared<A, H>>,
    /// Where its receipt is, if there is any.
    place: Option<u32>,
}

impl<A, H> Drop for InFlight<A, H> {
    fn drop(&mut self) {
        self.shared.permits.add_permits(1);
    }
}

/// The name of a handler in errors.
const HANDLER: &str = "the handler of a message";

/// The life of a daemon that handles messages in tasks.
pub(crate) async fn handle_messages_async<F, K, H, B, J>(mut fetch: F, handle: H, settings: Handling) -> BodyResult
where
    F: FetchAsync<K>,
    F::Receipt: AckAsync,
    H: Fn(F::Message) -> B + Send + Sync + 'static,
    B: Future + Send + 'static,
    B::Output: IntoExit<J>,
    J: 'static,
{
    let shared = Shared::new(settings.pool_size, handle, settings.retry, &COUNTS);
    shutdown::register(Arc::new(Arc::clone(&shared)));
    let pause = async || drop(timeout(settings.idle_time, StopFuture::for_runner()).await);
    fetch_into(&shared, &mut fetch, || false, pause).await;
    shared.drain().await;
    if !shutdown::complete() {
        // The grace is over, and receipts are being told by the runtime, which ends with this.
        pending::<()>().await;
    }
    BodyResult::success()
}

/// Fetches while there is room, until the daemon is to stop or it is over; pauses when there was nothing to fetch.
async fn fetch_into<F, K, H, B, J>(
    shared: &Arc<Shared<F::Receipt, H>>,
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
    let mut complaints = Complaints::default();
    let mut stop = Stop::default();
    while !is_over() {
        let permit = match shared.permits.try_acquire() {
            Ok(permit) => permit,
            // It is never closed.
            Err(_) => match stop.or(pin!(shared.permits.acquire())).await {
                Some(Ok(permit)) => permit,
                _ => return,
            },
        };
        shared.fetching.store(true, Relaxed);
        let found = stop.or(pin!(fetch_once(fetch))).await;
        shared.fetching.store(false, Relaxed);
        match found {
            None => return,
            Some(Ok(Some((message, receipt)))) => {
                stop.answered = true;
                shared.counts.fetched();
                match shared.begin(receipt) {
                    Ok(place) => {
                        permit.forget();
                        tokio::spawn(finish(InFlight { shared: Arc::clone(shared), place }, message));
                    }
                    Err(receipt) => {
                        tell(receipt.receipt.nack(Nack::Unfinished)).await;
                        return shared.told();
                    }
                }
                continue;
            }
            Some(Ok(None)) => stop.answered = true,
            Some(Err(error)) => {
                complaints.tell(&error);
            }
        }
        drop(permit);
        if stop.look() {
            return;
        }
        pause().await;
    }
}

/// Handles a message, and tells what became of it.
#[allow(clippy::manual_async_fn)] // Made for each message: what an async function takes is in its future twice.
fn finish<T, A, H, B, J>(in_flight: InFlight<A, H>, message: T) -> impl Future<Output = ()>
where
    A: AckAsync,
    H: Fn(T) -> B + Send + Sync + 'static,
    B: Future,
    B::Output: IntoExit<J>,
{
    async move {
        let well = {
            let mut handling = pin!(Some(async { (in_flight.shared.handle)(message).await.into_exit() }));
            let ending = match handling.as_mut().as_pin_mut() {
                Some(handling) => guarded_async(HANDLER, handling).await,
                None => BodyResult::success(),
            };
            // The handler's future is dropped here, so that a panic in the drop is a failure of the message, too.
            let dropped = guarded(HANDLER, || {
                handling.set(None);
                BodyResult::success()
            });
            let well = [ending, dropped].map(|ending| ending.reported().error().is_none());
            well == [true, true]
        };
        let tracked = in_flight.place.and_then(|place| lock(&in_flight.shared.receipts).take(place));
        if let Some(tracked) = tracked {
            // In a box, so that the task is small for those who have nothing to tell.
            Box::pin(in_flight.shared.tell_outcome(tracked, well)).await;
        }
        in_flight.shared.counts.ended_beside_others(well);
    }
}

/// The same without a daemon, for the bench: handles what `fetch` has until it has none.
pub async fn pump_async<F, K, H, B, J>(pool_size: usize, mut fetch: F, handle: H)
where
    F: FetchAsync<K>,
    F::Receipt: AckAsync,
    H: Fn(F::Message) -> B + Send + Sync + 'static,
    B: Future + Send + 'static,
    B::Output: IntoExit<J>,
    J: 'static,
{
    static UNSEEN: Counts = Counts::new();
    let shared = Shared::new(pool_size, handle, Retry::new(), &UNSEEN);
    let is_over = Cell::new(false);
    fetch_into(&shared, &mut fetch, || is_over.get(), async || is_over.set(true)).await;
    shared.drain().await;
}

impl<A: AckAsync, H: Send + Sync + 'static> Shared<A, H> {
    fn new(pool_size: usize, handle: H, retry: Retry, counts: &'static Counts) -> Arc<Shared<A, H>> {
        Arc::new(Shared {
            handle,
            retry,
            permits: Semaphore::new(pool_size),
            pool_size,
            fetching: AtomicBool::new(false),
            receipts: Mutex::new(Receipts::new()),
            all_told: Condvar::new(),
            quiet: Notify::new(),
            counts,
            runtime: Handle::current(),
        })
    }

    /// Keeps what is to be told of a message; where, if there is anything.
    fn begin(&self, receipt: Tracked<A>) -> Result<Option<u32>, Tracked<A>> {
        if A::NOTHING { Ok(None) } else { lock(&self.receipts).keep(receipt).map(Some) }
    }
}

/// What there is, if anything; an error if it came to one, or to a panic.
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

/// The stop, as one awaits it again and again: registered once, not for each message.
#[derive(Default)]
struct Stop {
    until: Option<StopFuture>,
    waker: Option<Waker>,
    /// Set once a fetch has succeeded, which makes the daemon ready, whether there was a message or not.
    answered: bool,
}

impl Stop {
    /// What comes of a future, unless the daemon is to stop first: then it is dropped where it awaits, by the caller.
    async fn or<F: Future>(&mut self, mut future: Pin<&mut F>) -> Option<F::Output> {
        if self.look() {
            return None;
        }
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => self.poll(context).map(|()| None),
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) && !self.look() {
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        Pin::new(self.until.get_or_insert_with(StopFuture::for_runner)).poll(context)
    }

    /// Returns `true` if the daemon is to stop.
    fn look(&self) -> bool {
        if self.answered { stop_flag::poll_stop() } else { stop_flag::poll_stop_before_ready() }
    }
}

/// Tells somebody about a message; that he cannot be told costs no more than a line.
async fn tell(telling: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>>) {
    let telling = pin!(async { telling.await.into_exit() });
    guarded_async("telling about a message", telling).await.reported();
}

#[cfg(test)]
mod tests;
