//! The pool with real threads.

use super::worker::IDLE_WORKER_TIMEOUT;
use super::*;
use crate::body::messages::fetch::fetch_loop;
use crate::shutdown::InFlightMessages;
use std::error::Error;
use std::sync::Barrier;
use std::sync::mpsc::{self, Receiver, Sender};

/// Long enough for anything that happens at all.
const SOON: Duration = Duration::from_secs(20);

/// Counters of one test alone.
fn counts() -> &'static Counts {
    Box::leak(Box::new(Counts::new()))
}

/// What is told about message `0`.
struct Note(u32, Sender<(u32, Option<Nack>)>);

impl Ack for Note {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.1.send((self.0, None))?)
    }

    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.1.send((self.0, Some(why)))?)
    }
}

/// Handles the messages from 1 to `last`, and returns what was told about them.
fn handle_all(
    size: usize,
    last: u32,
    handle: impl Fn(u32) -> BodyResult + Send + Sync + 'static,
) -> Receiver<(u32, Option<Nack>)> {
    let (sender, told) = mpsc::channel();
    let pool = Pool::new(size, handle, Retry::new(), counts());
    let next = std::cell::Cell::new(0);
    let fetch = || {
        next.set(next.get() + 1);
        Ok(Some((next.get(), Tracked::first(Note(next.get(), sender.clone())))))
    };
    fetch_loop(&pool, fetch, || next.get() == last, || ());
    pool.drain(|| true);
    let counted = pool.counts.read();
    assert_eq!((counted.fetched, counted.in_flight), (last.into(), 0));
    assert_eq!(pool.lock().workers(), 0, "a worker has outlived its pool");
    told
}

#[test]
fn as_many_are_handled_at_once_as_the_pool_has_workers() {
    let all_there = Barrier::new(4);
    let told = handle_all(4, 12, move |_| {
        all_there.wait();
        BodyResult::success()
    });
    assert_eq!(told.iter().filter(|(_, nack)| nack.is_none()).count(), 12);
}

#[test]
fn one_worker_handles_them_in_their_order() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&order);
    handle_all(1, 100, move |message| {
        notes.lock().unwrap().push(message);
        BodyResult::success()
    });
    assert_eq!(*order.lock().unwrap(), (1..=100).collect::<Vec<u32>>());
}

#[test]
fn each_message_is_told_of_once_and_none_that_failed_is_acknowledged() {
    let told = handle_all(8, 3000, |message| match message % 300 {
        0 => BodyResult::failure("a handler fails, as it should in this test"),
        _ => BodyResult::success(),
    });
    let mut told: Vec<(u32, Option<Nack>)> = told.iter().collect();
    told.sort_unstable_by_key(|(message, _)| *message);
    let expected = (1..=3000).map(|message| (message, (message % 300 == 0).then_some(Nack::Failed)));
    assert!(told.into_iter().eq(expected));
}

#[test]
fn a_panic_costs_its_message_only() {
    let told = handle_all(2, 20, |message| {
        assert!(message % 10 != 0, "a handler panics, as it should in this test");
        BodyResult::success()
    });
    assert_eq!(told.iter().filter(|(_, nack)| *nack == Some(Nack::Failed)).count(), 2);
}

#[test]
fn nothing_is_fetched_while_all_workers_are_busy() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let handle = move |_: u32| {
        let _ = released.lock().unwrap().recv_timeout(SOON);
        BodyResult::success()
    };
    let pool = Pool::<u32, (), _>::new(3, handle, Retry::new(), counts());
    let fetched = Arc::new(AtomicUsize::new(0));
    let (count, fetching) = (Arc::clone(&fetched), Arc::clone(&pool));
    let worker = thread::spawn(move || {
        let fetch = || {
            let message = count.fetch_add(1, Relaxed);
            Ok(Some((u32::try_from(message).unwrap(), Tracked::first(()))))
        };
        fetch_loop(&fetching, fetch, || count.load(Relaxed) >= 10, || ());
        fetching.drain(|| true);
    });
    // One is released, so one more is fetched, and never another.
    for finished in 0..7 {
        let deadline = Instant::now() + SOON;
        while pool.lock().in_flight() < 3 || fetched.load(Relaxed) < 3 + finished {
            assert!(Instant::now() < deadline, "not fetched: {fetched:?}");
            thread::yield_now();
        }
        assert_eq!(fetched.load(Relaxed), 3 + finished);
        release.send(()).unwrap();
    }
    drop(release);
    worker.join().unwrap();
    assert_eq!(pool.counts.read().handled, 10);
}

#[test]
fn what_is_not_done_when_all_is_over_is_given_back_once() {
    let (sender, told) = mpsc::channel();
    let (begun, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let handle = move |message: u32| {
        begun.send(message).unwrap();
        let _ = released.lock().unwrap().recv_timeout(SOON);
        BodyResult::success()
    };
    let pool = Pool::new(2, handle, Retry::new(), counts());
    assert!(pool.wait_for_capacity(|| false));
    for message in 1..=2 {
        pool.push(message, Tracked::first(Note(message, sender.clone())));
    }
    let mut busy = [(); 2].map(|()| has_begun.recv_timeout(SOON).unwrap());
    busy.sort_unstable();
    assert_eq!(busy, [1, 2]);
    pool.settle();
    // What comes too late is given back as well, and what ends too late is not told of again.
    pool.push(3, Tracked::first(Note(3, sender.clone())));
    drop(release);
    pool.drain(|| true);
    drop(sender);
    let mut told: Vec<(u32, Option<Nack>)> = told.iter().collect();
    told.sort_unstable_by_key(|(message, _)| *message);
    assert_eq!(told, [1, 2, 3].map(|message| (message, Some(Nack::Unfinished))));
}

#[test]
fn workers_that_have_nothing_to_do_leave_and_the_last_one_stays() {
    let all_there = Barrier::new(4);
    let handle = move |_: u32| {
        all_there.wait();
        BodyResult::success()
    };
    let pool = Pool::<u32, (), _>::new(4, handle, Retry::new(), counts());
    for message in 0..4 {
        assert!(pool.wait_for_capacity(|| false));
        pool.push(message, Tracked::first(()));
    }
    let mut state = pool.lock();
    while state.in_flight() > 0 || state.workers() > 1 {
        assert!(state.workers() <= 4);
        state = pool.wait(state, SOON);
    }
    drop(state);
    let deadline = Instant::now() + IDLE_WORKER_TIMEOUT * 3;
    while Instant::now() < deadline {
        thread::park_timeout(deadline - Instant::now());
    }
    assert_eq!(pool.lock().workers(), 1);
    pool.drain(|| true);
    assert_eq!(pool.lock().workers(), 0);
}

#[test]
fn what_the_handler_has_is_dropped_with_the_pool() {
    let kept = Arc::new(());
    let state = Arc::clone(&kept);
    let handle = move |_: u32| {
        drop(Arc::clone(&state));
        BodyResult::success()
    };
    let pool = Pool::<u32, (), _>::new(4, handle, Retry::new(), counts());
    for message in 0..100 {
        assert!(pool.wait_for_capacity(|| false));
        pool.push(message, Tracked::first(()));
    }
    pool.drain(|| true);
    drop(pool);
    assert_eq!(Arc::strong_count(&kept), 1);
}

/// Notes what it is told, and delays by itself, as a broker does.
struct Delaying(Sender<String>);

impl Ack for Delaying {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.0.send("ack".into())?)
    }

    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.0.send(format!("{why:?}"))?)
    }

    fn retry(self, delay: Duration) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        self.0.send(format!("{delay:?}"))?;
        if delay == Duration::from_secs(8) { Err("the broker is away".into()) } else { Ok(None) }
    }
}

/// Promise 9.09.
#[test]
fn receipt_that_delays_is_told_how_long_and_nothing_else() {
    let (sender, told) = mpsc::channel();
    let handle = |_: u32| BodyResult::failure("a handler fails, as it should in this test");
    let pool = Pool::new(1, handle, Retry::new().attempts(5), counts());
    for attempt in 1..=5 {
        assert!(pool.wait_for_capacity(|| false));
        pool.push(attempt, Tracked { receipt: Delaying(sender.clone()), attempt });
    }
    pool.drain(|| true);
    drop((sender, pool));
    assert_eq!(told.iter().collect::<Vec<_>>(), ["1s", "2s", "4s", "8s", "Exhausted"]);
}
