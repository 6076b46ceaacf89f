//! Fetches messages and hands them to the worker pool.

use super::ack::Ack;
use super::delivery::Tracked;
use super::fetch_result::FetchResult;
use super::pool::Pool;
use super::rate_limited_errors::RateLimitedErrors;
use super::retry::Retry;
use crate::body::{BodyResult, guarded};
use crate::counters::Counts;
use std::cell::Cell;
use std::sync::Arc;

/// Fetches messages while the pool has capacity, until `is_over` returns `true`; calls `pause` if the source has none.
///
/// An error of `fetch` is reported and does not end the loop: a broker that is down for an hour must not end the daemon.
pub(super) fn fetch_loop<T, A, H>(
    pool: &Arc<Pool<T, A, H>>,
    mut fetch: impl FnMut() -> FetchResult<T, A>,
    is_over: impl Fn() -> bool,
    pause: impl Fn(),
) where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    let mut errors = RateLimitedErrors::default();
    let mut has_capacity = false;
    while !is_over() {
        if !has_capacity && !pool.wait_for_capacity(&is_over) {
            pause();
            continue;
        }
        // Only `push` confirms the capacity: after a pause, a worker may have failed to spawn a thread.
        has_capacity = false;
        pool.set_fetching(true);
        let fetched = fetch_once(&mut fetch);
        pool.set_fetching(false);
        match fetched {
            Ok(Some((message, receipt))) => has_capacity = pool.push(message, receipt),
            Ok(None) => pause(),
            Err(error) => {
                errors.report(&error);
                pause();
            }
        }
    }
}

/// Fetches a message; `None` if the source has none now.
///
/// # Errors
/// The text of the error or panic of `fetch`.
fn fetch_once<T, A>(fetch: &mut impl FnMut() -> FetchResult<T, A>) -> Result<Option<(T, Tracked<A>)>, String> {
    let mut fetched = None;
    let result = guarded("fetching a message", || match fetch() {
        Ok(message) => {
            fetched = message;
            BodyResult::success()
        }
        Err(result) => result,
    });
    match result.error() {
        Some(error) => Err(error.to_owned()),
        None => Ok(fetched),
    }
}

/// Runs the pool without a daemon, for the bench: handles messages until `fetch` returns `None`.
pub fn pump<T: Send + 'static>(
    pool_size: usize,
    mut fetch: impl FnMut() -> Option<T>,
    handle: impl Fn(T) + Send + Sync + 'static,
) {
    static COUNTS: Counts = Counts::new();
    let handle = move |message| {
        handle(message);
        BodyResult::success()
    };
    let pool = Pool::new(pool_size, handle, Retry::new(), &COUNTS);
    let is_over = Cell::new(false);
    let fetch = || {
        let message = fetch();
        is_over.set(message.is_none());
        Ok(message.map(|message| (message, Tracked::first(()))))
    };
    fetch_loop(&pool, fetch, || is_over.get(), || ());
    pool.drain(|| true);
}
