use super::*;
use crate::body::messages::ack::Ack;
use crate::body::messages::delivery::{Delivery, Tracked};
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

type SettleResult = Result<(), Box<dyn Error + Send + Sync>>;

/// Tells what became of a message, by its number.
struct Note(u32, mpsc::Sender<(u32, Option<Nack>)>);

impl Ack for Note {
    fn ack(self) -> SettleResult {
        Ok(self.1.send((self.0, None))?)
    }

    fn nack(self, why: Nack) -> SettleResult {
        Ok(self.1.send((self.0, Some(why)))?)
    }
}

fn runtimes() -> [Runtime; 2] {
    let several = Builder::new_multi_thread().worker_threads(3).enable_time().build().unwrap();
    [several, Builder::new_current_thread().enable_time().build().unwrap()]
}

fn counts() -> &'static Counts {
    Box::leak(Box::new(Counts::new()))
}

fn receipts() -> Receipts<Note> {
    Receipts::new()
}

#[test]
fn each_message_is_counted_and_told_once_and_the_pool_is_never_overfull() {
    const LAST: u32 = 20_000;
    for runtime in runtimes() {
        let (sender, told) = mpsc::channel();
        let most = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        let handle = move |number: u32| {
            let seen = Arc::clone(&seen);
            async move {
                seen.1.fetch_max(seen.0.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::task::yield_now().await;
                seen.0.fetch_sub(1, SeqCst);
                if number % 1_000 == 0 { BodyResult::failure("a thousand") } else { BodyResult::success() }
            }
        };
        runtime.block_on(async {
            let counts = counts();
            let pool = TaskPool::new(7, handle, Retry::new(), counts);
            let mut next = 0;
            let mut fetch = || {
                next += 1;
                let delivery = (next <= LAST).then(|| Delivery::new(next, Note(next, sender.clone())));
                async { delivery }
            };
            let is_over = Cell::new(false);
            fetch_loop(&pool, &mut fetch, || is_over.get(), async || is_over.set(true)).await;
            pool.drain().await;
            let counted = counts.read();
            assert_eq!((counted.fetched, counted.in_flight), (LAST.into(), 0));
            assert_eq!((counted.handled, counted.failed), (u64::from(LAST - LAST / 1_000), u64::from(LAST / 1_000)));
            assert!(pool.receipts.lock().unwrap().slots.len() <= 7, "receipts are kept that nobody needs");
        });
        drop(sender);
        let mut told: Vec<_> = told.iter().collect();
        told.sort_unstable_by_key(|(number, _)| *number);
        let became = |number| (number, (number % 1_000 == 0).then_some(Nack::Failed));
        assert!(told.into_iter().eq((1..=LAST).map(became)));
        assert!(most.1.load(SeqCst) <= 7);
    }
}

#[test]
fn what_is_left_is_told_once_and_nothing_is_kept_any_more() {
    let (sender, told) = mpsc::channel();
    let mut receipts = receipts();
    let note = |number| Note(number, sender.clone());
    let slots = [1, 2].map(|number| receipts.insert(Tracked::first(note(number))).ok().unwrap());
    receipts.take_all().into_iter().for_each(|(note, why)| Ack::nack(note, why).unwrap());
    // What ends too late finds nothing to tell, and what comes too late is given back.
    assert!(slots.iter().all(|slot| receipts.take(*slot).is_none()));
    assert!(receipts.insert(Tracked::first(note(3))).is_err_and(|note| note.receipt.0 == 3));
    assert_eq!(receipts.take_all().len(), 0);
    drop(sender);
    assert_eq!(told.iter().map(|(number, _)| number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_place_is_used_again() {
    let (sender, _told) = mpsc::channel();
    let mut receipts = receipts();
    for number in 0..10 {
        let slot = receipts.insert(Tracked::first(Note(number, sender.clone()))).ok().unwrap();
        assert_eq!(slot, 0);
        assert_eq!(receipts.take(slot).unwrap().receipt.0, number);
    }
}

#[test]
fn a_fetch_that_fails_or_panics_is_an_error_and_no_end() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let mut tried = 0;
            let mut fetch = async || {
                tried += 1;
                assert!(tried != 2, "no bug");
                if tried == 1 { Err("no broker") } else { Ok(Some(3)) }
            };
            assert_eq!(fetch_once(&mut fetch).await, Err("fetching a message failed: no broker".into()));
            assert_eq!(fetch_once(&mut fetch).await, Err("fetching a message panicked: no bug".into()));
            assert_eq!(fetch_once(&mut fetch).await, Ok(Some((3, Tracked::first(())))));
        });
    }
}

#[test]
fn every_way_to_fetch_a_message_is_understood() {
    async fn next() -> Option<u32> {
        Some(1)
    }
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert_eq!(fetch_once(&mut next).await, Ok(Some((1, Tracked::first(())))));
        assert_eq!(fetch_once(&mut || Some(2)).await, Ok(Some((2, Tracked::first(())))));
        assert_eq!(
            fetch_once(&mut || Ok::<_, String>(Some(Delivery::new(3, ())))).await,
            Ok(Some((3, Tracked::first(()))))
        );
        assert_eq!(fetch_once(&mut || Box::pin(next())).await, Ok(Some((1, Tracked::first(())))));
        // One that borrows from what it has captured.
        let mut numbers = vec![4];
        let mut fetch = async || {
            let numbers = &mut numbers;
            next().await;
            numbers.pop()
        };
        assert_eq!(fetch_once(&mut fetch).await, Ok(Some((4, Tracked::first(())))));
        assert_eq!(fetch_once(&mut fetch).await, Ok(None));
    });
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a local of a handler panics, as it should in this test");
    }
}

/// A handler that is ready at once, and keeps a bomb until it is dropped.
struct Holding {
    _bomb: Bomb,
}

impl Future for Holding {
    type Output = BodyResult;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<BodyResult> {
        Poll::Ready(BodyResult::success())
    }
}

#[test]
fn panic_while_a_handler_is_dropped_fails_its_message() {
    for runtime in runtimes() {
        let (sender, told) = mpsc::channel();
        runtime.block_on(async {
            // Not moved into the body: the future itself keeps it, up to its end.
            let handle = |bomb: Bomb| Holding { _bomb: bomb };
            let pool = TaskPool::new(2, handle, Retry::new(), counts());
            let mut fetched = false;
            let mut fetch = || {
                let delivery =
                    (!std::mem::replace(&mut fetched, true)).then(|| Delivery::new(Bomb, Note(1, sender.clone())));
                std::future::ready(delivery)
            };
            let is_over = Cell::new(false);
            fetch_loop(&pool, &mut fetch, || is_over.get(), async || is_over.set(true)).await;
            pool.drain().await;
            assert_eq!(pool.counts.read().failed, 1);
        });
        assert_eq!(told.try_recv(), Ok((1, Some(Nack::Failed))));
    }
}

/// Notes what it is told, and delays by itself, as a broker does.
struct Delaying(mpsc::Sender<String>);

impl AckAsync for Delaying {
    async fn ack(self) -> SettleResult {
        Ok(self.0.send("ack".into())?)
    }

    async fn nack(self, why: Nack) -> SettleResult {
        Ok(self.0.send(format!("{why:?}"))?)
    }

    async fn retry(self, delay: Duration) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        tokio::task::yield_now().await;
        self.0.send(format!("{delay:?}"))?;
        Ok(None)
    }
}

/// Promise 10.12.
#[test]
fn receipt_that_delays_is_told_how_long_and_nothing_else() {
    for runtime in runtimes() {
        let (sender, told) = mpsc::channel();
        runtime.block_on(async {
            let handle = async |_: u32| BodyResult::failure("a handler fails, as it should in this test");
            let pool = TaskPool::new(1, handle, Retry::new().attempts(4), counts());
            let mut attempt = 0;
            let mut fetch = || {
                attempt += 1;
                (attempt <= 4).then(|| Delivery::new(attempt, Delaying(sender.clone())).attempt(attempt))
            };
            let is_over = Cell::new(false);
            fetch_loop(&pool, &mut fetch, || is_over.get(), async || is_over.set(true)).await;
            pool.drain().await;
        });
        drop(sender);
        assert_eq!(told.iter().collect::<Vec<_>>(), ["1s", "2s", "4s", "Exhausted"]);
    }
}
