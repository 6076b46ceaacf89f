//! The one who fetches.

use super::complaints::Complaints;
use super::delivery::{Ack, Tracked};
use super::fetched::Found;
use super::pool::Pool;
use super::retry::Retry;
use crate::body::{BodyResult, guarded};
use crate::counters::Counts;
use std::cell::Cell;
use std::sync::Arc;

/// Fetches while there is room, until it is over; pauses when there was nothing to fetch.
///
/// An error is told and is no end: a broker that is away for an hour must not take the daemon with it.
pub(super) fn fetch_into<T, A, H>(
    pool: &Arc<Pool<T, A, H>>,
    mut fetch: impl FnMut() -> Found<T, A>,
    is_over: impl Fn() -> bool,
    pause: impl Fn(),
) where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    let mut complaints = Complaints::default();
    let mut room = false;
    while !is_over() {
        if !room && !pool.wait_for_room(&is_over) {
            pause();
            continue;
        }
        // After a pause it is asked again: meanwhile a worker may have found no thread for the next one.
        room = false;
        pool.set_fetching(true);
        let found = fetch_once(&mut fetch);
        pool.set_fetching(false);
        match found {
            Ok(Some((message, receipt))) => room = pool.push(message, receipt),
            Ok(None) => pause(),
            Err(error) => {
                complaints.tell(&error);
                pause();
            }
        }
    }
}

/// What there is, if anything; an error if it came to one, or to a panic.
fn fetch_once<T, A>(fetch: &mut impl FnMut() -> Found<T, A>) -> Result<Option<(T, Tracked<A>)>, String> {
    let mut found = None;
    let ending = guarded("fetching a message", || match fetch() {
        Ok(message) => {
            found = message;
            BodyResult::success()
        }
        Err(ending) => ending,
    });
    ending.error().map_or(Ok(found), |error| Err(error.to_owned()))
}

/// The pool without a daemon, for the bench: handles what `fetch` has until it has none.
pub fn pump<T: Send + 'static>(
    pool_size: usize,
    mut fetch: impl FnMut() -> Option<T>,
    handle: impl Fn(T) + Send + Sync + 'static,
) {
    static UNSEEN: Counts = Counts::new();
    let handle = move |message| {
        handle(message);
        BodyResult::success()
    };
    let pool = Pool::new(pool_size, handle, Retry::new(), &UNSEEN);
    let is_over = Cell::new(false);
    let fetch = || {
        let message = fetch();
        is_over.set(message.is_none());
        Ok(message.map(|message| (message, Tracked::first(()))))
    };
    fetch_into(&pool, fetch, || is_over.get(), || ());
    pool.drain(|| true);
}
