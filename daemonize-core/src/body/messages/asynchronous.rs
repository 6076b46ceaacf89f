//! Messages whose handlers await: one task fetches, a task for each message handles it.

use super::complaints::Complaints;
use super::delivery::{Ack, Nack};
use super::fetched::{Fetched, Found};
use crate::body::Ending;
use crate::body::asynchronous::guarded_async;
use crate::counters::COUNTS;
use crate::farewell;
use crate::mutex::lock;
use crate::report;
use crate::stopping::{self, UntilStopped};
use std::collections::BTreeMap;
use std::error::Error;
use std::future::{self, Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// [`Ack`] for receipts that await; every [`Ack`] is one.
pub trait AckAsync: Send + 'static {
    /// The handler has succeeded: see [`Ack::ack`].
    ///
    /// # Errors
    /// Whatever keeps it from being told.
    fn ack(self) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// The message was not handled to its end: see [`Ack::nack`].
    ///
    /// # Errors
    /// Whatever keeps it from being told.
    fn nack(self, why: Nack) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// Whether there is nothing to tell, so that nothing needs to be kept.
    #[doc(hidden)]
    const NOTHING: bool = false;
}

impl<A: Ack> AckAsync for A {
    async fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ack::ack(self)
    }

    async fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ack::nack(self, why)
    }

    const NOTHING: bool = <A as Ack>::NOTHING;
}

/// What a function that fetches messages for async handlers may return: what [`Fetched`] allows, or a future of it.
///
/// `Kind` only tells the implementations apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "messages cannot be fetched by a function that returns `{Self}`",
    label = "returns no `Option` of a message that could be given to a task",
    note = "it may return `Option<T>`, `Option<Delivery<T, A>>`, a `Result` of these, or a future of any of them"
)]
pub trait FetchedAsync<Kind> {
    /// What the handler gets.
    type Message: Send + 'static;
    /// What is told when it was handled.
    type Receipt: Send + 'static;
    /// Both, if there was a message.
    #[doc(hidden)]
    fn found(self) -> impl Future<Output = Found<Self::Message, Self::Receipt>>;
}

/// Tells [`FetchedAsync`]'s implementations apart.
#[derive(Debug)]
pub struct AtOnce<Kind>(Kind);
/// Tells [`FetchedAsync`]'s implementations apart.
#[derive(Debug)]
pub struct Awaited<Kind>(Kind);

#[diagnostic::do_not_recommend]
impl<R: Fetched<K>, K> FetchedAsync<AtOnce<K>> for R {
    type Message = R::Message;
    type Receipt = R::Receipt;

    fn found(self) -> impl Future<Output = Found<R::Message, R::Receipt>> {
        future::ready(Fetched::found(self))
    }
}

#[diagnostic::do_not_recommend]
impl<F: Future<Output: Fetched<K>>, K> FetchedAsync<Awaited<K>> for F {
    type Message = <F::Output as Fetched<K>>::Message;
    type Receipt = <F::Output as Fetched<K>>::Receipt;

    async fn found(self) -> Found<Self::Message, Self::Receipt> {
        Fetched::found(self.await)
    }
}

/// What the tasks share.
struct Shared<A, H> {
    handle: H,
    /// As many as there may be messages in flight.
    permits: Arc<Semaphore>,
    in_flight: AtomicUsize,
    fetching: AtomicBool,
    /// Of the messages in flight, by number; empty where there is nothing to tell.
    receipts: Mutex<(u64, BTreeMap<u64, A>)>,
    runtime: Handle,
}

/// The life of a daemon that handles messages in tasks.
pub(crate) async fn handle_messages_async<R, K, H, B>(
    mut fetch: impl FnMut() -> R,
    handle: H,
    pool_size: usize,
    idle_time: Duration,
) -> Ending
where
    R: FetchedAsync<K>,
    R::Receipt: AckAsync,
    H: Fn(R::Message) -> B + Send + Sync + 'static,
    B: Future<Output = Ending> + Send + 'static,
{
    let shared = Arc::new(Shared {
        handle,
        permits: Arc::new(Semaphore::new(pool_size)),
        in_flight: AtomicUsize::new(0),
        fetching: AtomicBool::new(false),
        receipts: Mutex::new((0, BTreeMap::new())),
        runtime: Handle::current(),
    });
    let left = Arc::clone(&shared);
    farewell::leave(move || left.settle());
    let mut complaints = Complaints::default();
    // The semaphore is never closed.
    while let Some(Ok(permit)) = unless_stopped(Arc::clone(&shared.permits).acquire_owned()).await {
        shared.fetching.store(true, SeqCst);
        let found = unless_stopped(fetch_once(&mut fetch)).await;
        shared.fetching.store(false, SeqCst);
        match found {
            None => break,
            Some(Ok(Some((message, receipt)))) => {
                COUNTS.fetched();
                let key = shared.begin(receipt);
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    shared.finish(message, key).await;
                    drop(permit);
                });
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
        let _ = timeout(idle_time, UntilStopped::asked()).await;
    }
    let all = u32::try_from(pool_size).unwrap_or(u32::MAX);
    let _ = shared.permits.acquire_many(all).await;
    Ending::success()
}

impl<A: AckAsync, H> Shared<A, H> {
    /// Keeps what is to be told of a message; its number, if there is anything.
    fn begin(&self, receipt: A) -> Option<u64> {
        self.in_flight.fetch_add(1, SeqCst);
        (!A::NOTHING).then(|| {
            let mut receipts = lock(&self.receipts);
            receipts.0 += 1;
            let key = receipts.0;
            receipts.1.insert(key, receipt);
            key
        })
    }

    async fn finish<T, B>(&self, message: T, key: Option<u64>)
    where
        H: Fn(T) -> B,
        B: Future<Output = Ending>,
    {
        let ending = guarded_async("the handler of a message", async { (self.handle)(message).await }).await;
        if let Some(error) = ending.error() {
            report::error(error);
        }
        let well = ending.error().is_none();
        let receipt = key.and_then(|key| lock(&self.receipts).1.remove(&key));
        if let Some(receipt) = receipt {
            tell(async { if well { receipt.ack().await } else { receipt.nack(Nack::Failed).await } }).await;
        }
        self.in_flight.fetch_sub(1, SeqCst);
        COUNTS.ended(well);
    }

    /// Gives back what was not done, and says how much that is; from a thread outside of the runtime.
    fn settle(&self) {
        let receipts = std::mem::take(&mut lock(&self.receipts).1);
        let tell_all = async {
            for receipt in receipts.into_values() {
                tell(receipt.nack(Nack::Unfinished)).await;
            }
        };
        let in_flight = self.in_flight.load(SeqCst);
        if in_flight > 0 {
            report::error(&format!("{in_flight} of the messages fetched were not handled to their end"));
        }
        if self.fetching.load(SeqCst) {
            report::error("the function that fetches messages did not return");
        }
        self.runtime.block_on(tell_all);
    }
}

/// What there is, if anything; an error if it came to one, or to a panic.
async fn fetch_once<R: FetchedAsync<K>, K>(
    fetch: &mut impl FnMut() -> R,
) -> Result<Option<(R::Message, R::Receipt)>, String> {
    let mut found = None;
    let ending = guarded_async("fetching a message", async {
        match FetchedAsync::found(fetch()).await {
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
