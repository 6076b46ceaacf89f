//! Messages whose handlers await: one task fetches, a task for each message handles it.

use super::awaited::{AckAsync, FetchAsync};
use super::complaints::Complaints;
use super::delivery::Nack;
use crate::body::Ending;
use crate::body::asynchronous::guarded_async;
use crate::counters::{COUNTS, Counts};
use crate::farewell;
use crate::mutex::lock;
use crate::report;
use crate::stopping::{self, UntilStopped};
use std::cell::Cell;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What the tasks share.
struct Shared<A, H> {
    handle: H,
    /// As many as there may be messages in flight.
    permits: Arc<Semaphore>,
    pool_size: usize,
    /// Whether the function that fetches has been called and has not come to its end.
    fetching: AtomicBool,
    books: Mutex<Books<A>>,
    counts: &'static Counts,
    runtime: Handle,
}

/// What is in flight. The counters are kept under the lock of the books, too.
struct Books<A> {
    in_flight: usize,
    /// Of the messages in flight; without any where there is nothing to tell.
    receipts: Vec<Option<A>>,
    /// The places where there is none.
    free: Vec<usize>,
    /// What is left has been told.
    over: bool,
}

/// The life of a daemon that handles messages in tasks.
pub(crate) async fn handle_messages_async<F, K, H, B>(
    mut fetch: F,
    handle: H,
    pool_size: usize,
    idle_time: Duration,
) -> Ending
where
    F: FetchAsync<K>,
    F::Receipt: AckAsync,
    H: Fn(F::Message) -> B + Send + Sync + 'static,
    B: Future<Output = Ending> + Send + 'static,
{
    let shared = Shared::new(pool_size, handle, &COUNTS);
    let left = Arc::clone(&shared);
    farewell::leave(move || left.settle());
    let pause = async || drop(timeout(idle_time, UntilStopped::asked()).await);
    fetch_into(&shared, &mut fetch, || false, pause).await;
    shared.drain().await;
    Ending::success()
}

/// Fetches while there is room, until the daemon is to stop or it is over; pauses when there was nothing to fetch.
async fn fetch_into<F, K, H, B>(
    shared: &Arc<Shared<F::Receipt, H>>,
    fetch: &mut F,
    is_over: impl Fn() -> bool,
    pause: impl AsyncFn(),
) where
    F: FetchAsync<K>,
    F::Receipt: AckAsync,
    H: Fn(F::Message) -> B + Send + Sync + 'static,
    B: Future<Output = Ending> + Send + 'static,
{
    let mut complaints = Complaints::default();
    while !is_over() {
        // The semaphore is never closed.
        let Some(Ok(permit)) = unless_stopped(Arc::clone(&shared.permits).acquire_owned()).await else { return };
        shared.fetching.store(true, Relaxed);
        let found = unless_stopped(fetch_once(fetch)).await;
        shared.fetching.store(false, Relaxed);
        match found {
            None => return,
            Some(Ok(Some((message, receipt)))) => {
                let begun = lock(&shared.books).begin(receipt, shared.counts);
                match begun {
                    Ok(place) => spawn(shared, message, place, permit),
                    Err(receipt) => return tell(receipt.nack(Nack::Unfinished)).await,
                }
                continue;
            }
            Some(Ok(None)) => {}
            Some(Err(error)) => {
                if let Some(complaint) = complaints.hear(&error, Instant::now()) {
                    report::error(&complaint);
                }
            }
        }
        drop(permit);
        pause().await;
    }
}

/// Has a message handled in a task of its own.
fn spawn<T, A, H, B>(shared: &Arc<Shared<A, H>>, message: T, place: Option<usize>, permit: OwnedSemaphorePermit)
where
    T: Send + 'static,
    A: AckAsync,
    H: Fn(T) -> B + Send + Sync + 'static,
    B: Future<Output = Ending> + Send + 'static,
{
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        shared.finish(message, place).await;
        drop(permit);
    });
}

/// The same without a daemon, for the bench: handles what `fetch` has until it has none.
pub(crate) async fn pump_async<F, K, H, B>(pool_size: usize, mut fetch: F, handle: H)
where
    F: FetchAsync<K>,
    F::Receipt: AckAsync,
    H: Fn(F::Message) -> B + Send + Sync + 'static,
    B: Future<Output = Ending> + Send + 'static,
{
    static UNSEEN: Counts = Counts::new();
    let shared = Shared::new(pool_size, handle, &UNSEEN);
    let is_over = Cell::new(false);
    fetch_into(&shared, &mut fetch, || is_over.get(), async || is_over.set(true)).await;
    shared.drain().await;
}

impl<A: AckAsync> Books<A> {
    /// One message more; where its receipt is kept, if there is anything to tell. When all is over it is not to be begun.
    fn begin(&mut self, receipt: A, counts: &Counts) -> Result<Option<usize>, A> {
        if self.over {
            return Err(receipt);
        }
        counts.fetched();
        self.in_flight += 1;
        if A::NOTHING {
            return Ok(None);
        }
        let place = self.free.pop().unwrap_or(self.receipts.len());
        if place == self.receipts.len() {
            self.receipts.push(None);
        }
        self.receipts[place] = Some(receipt);
        Ok(Some(place))
    }

    /// What is to be told of a message; nothing if that has been done by whoever ends the daemon.
    fn receipt(&mut self, place: usize) -> Option<A> {
        let receipt = self.receipts.get_mut(place)?.take()?;
        self.free.push(place);
        Some(receipt)
    }

    /// One message less.
    fn end(&mut self, well: bool, counts: &Counts) {
        self.in_flight -= 1;
        counts.ended(well);
    }

    /// What is left when all is over: so many messages, and what is to be told of them.
    fn leftover(&mut self) -> (usize, Vec<A>) {
        self.over = true;
        (self.in_flight, self.receipts.iter_mut().filter_map(Option::take).collect())
    }
}

impl<A: AckAsync, H> Shared<A, H> {
    fn new(pool_size: usize, handle: H, counts: &'static Counts) -> Arc<Shared<A, H>> {
        Arc::new(Shared {
            handle,
            permits: Arc::new(Semaphore::new(pool_size)),
            pool_size,
            fetching: AtomicBool::new(false),
            books: Mutex::new(Books { in_flight: 0, receipts: Vec::new(), free: Vec::new(), over: false }),
            counts,
            runtime: Handle::current(),
        })
    }

    async fn finish<T, B>(&self, message: T, place: Option<usize>)
    where
        H: Fn(T) -> B,
        B: Future<Output = Ending>,
    {
        let ending = guarded_async("the handler of a message", async { (self.handle)(message).await }).await;
        if let Some(error) = ending.error() {
            report::error(error);
        }
        let well = ending.error().is_none();
        let receipt = place.and_then(|place| lock(&self.books).receipt(place));
        if let Some(receipt) = receipt {
            tell(async { if well { receipt.ack().await } else { receipt.nack(Nack::Failed).await } }).await;
        }
        lock(&self.books).end(well, self.counts);
    }

    /// Waits until nothing is in flight.
    async fn drain(&self) {
        let all = u32::try_from(self.pool_size).unwrap_or(u32::MAX);
        let _ = self.permits.acquire_many(all).await;
    }

    /// Gives back what was not done, and says how much that is; from a thread outside of the runtime.
    fn settle(&self) {
        let (in_flight, receipts) = lock(&self.books).leftover();
        let tell_all = async {
            for receipt in receipts {
                tell(receipt.nack(Nack::Unfinished)).await;
            }
        };
        if in_flight > 0 {
            report::error(&format!("{in_flight} of the messages fetched were not handled to their end"));
        }
        if self.fetching.load(Relaxed) {
            report::error("the function that fetches messages did not return");
        }
        self.runtime.block_on(tell_all);
    }
}

/// What there is, if anything; an error if it came to one, or to a panic.
async fn fetch_once<F: FetchAsync<K>, K>(fetch: &mut F) -> Result<Option<(F::Message, F::Receipt)>, String> {
    let mut found = None;
    let ending = guarded_async("fetching a message", async {
        match fetch.fetch().await {
            Ok(message) => {
                found = message;
                Ending::success()
            }
            Err(ending) => ending,
        }
    })
    .await;
    ending.error().map_or(Ok(found), |error| Err(error.to_owned()))
}

/// What comes of it, unless the daemon is to stop first: then it is dropped where it awaits.
async fn unless_stopped<F: Future>(future: F) -> Option<F::Output> {
    if stopping::look() {
        return None;
    }
    let (mut future, mut stopped) = (pin!(future), pin!(UntilStopped::asked()));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => stopped.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Tells somebody about a message; that he cannot be told costs no more than a line.
async fn tell(telling: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>>) {
    let ending = guarded_async("telling about a message", async {
        match telling.await {
            Ok(()) => Ending::success(),
            Err(error) => Ending::of_error(error.as_ref()),
        }
    })
    .await;
    if let Some(error) = ending.error() {
        report::error(error);
    }
}

#[cfg(test)]
mod tests;
