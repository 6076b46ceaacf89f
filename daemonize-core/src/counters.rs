//! Counters of messages and steps of this daemon.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts of messages and steps since the daemon started: see [`counters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages that were fetched.
    pub fetched: u64,
    /// Messages whose handler succeeded.
    pub handled: u64,
    /// Messages whose handler returned an error or panicked.
    pub failed: u64,
    /// Messages that were fetched and are neither handled nor failed yet.
    pub in_flight: u64,
    /// Steps that were done.
    pub steps: u64,
    /// Requests that [attachments](crate::attach::Handle::begin_request) have begun to handle, such as events of an endpoint.
    pub requests: u64,
    /// Requests of attachments that are being handled.
    pub open_requests: u64,
}

/// Returns the counts of this daemon since it started. They are zero in any other process, and for a body with neither messages
/// nor steps.
///
/// The counters are read one after another while the daemon works, so they may differ by what happened in between.
///
/// ```
/// assert_eq!(daemon::messages::counters().fetched, 0);
/// ```
pub fn counters() -> Counters {
    COUNTS.read()
}

/// The counters of this process, which is at most one daemon.
pub(crate) static COUNTS: Counts = Counts::new();

/// Counters that only grow. The caller holds a lock that serializes counting.
pub(crate) struct Counts {
    fetched: AtomicU64,
    handled: AtomicU64,
    failed: AtomicU64,
    steps: AtomicU64,
    requests: AtomicU64,
    open_requests: AtomicU64,
}

impl Counts {
    pub(crate) const fn new() -> Counts {
        Counts {
            fetched: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            open_requests: AtomicU64::new(0),
        }
    }

    /// Counts a fetched message.
    pub(crate) fn fetched(&self) {
        increment(&self.fetched);
    }

    /// Counts a handler that has returned.
    pub(crate) fn ended(&self, succeeded: bool) {
        increment(if succeeded { &self.handled } else { &self.failed });
    }

    /// Sets the number of steps. Only the thread of the body calls it.
    #[inline]
    pub(crate) fn stepped(&self, steps: u64) {
        self.steps.store(steps, Relaxed);
    }

    /// Counts a handler that has returned, without a lock.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(crate) fn ended_concurrently(&self, succeeded: bool) {
        if succeeded { &self.handled } else { &self.failed }.fetch_add(1, Relaxed);
    }

    /// Reads all counters.
    pub(crate) fn read(&self) -> Counters {
        // `fetched` is read last, so that it is never less than the messages that have ended.
        let (handled, failed) = (self.handled.load(Relaxed), self.failed.load(Relaxed));
        let fetched = self.fetched.load(Relaxed);
        let in_flight = fetched.saturating_sub(handled).saturating_sub(failed);
        Counters {
            fetched,
            handled,
            failed,
            in_flight,
            steps: self.steps.load(Relaxed),
            requests: self.requests.load(Relaxed),
            open_requests: self.open_requests.load(Relaxed),
        }
    }
}

/// A request that an attachment handles: see [`Handle::begin_request`](crate::attach::Handle::begin_request). It ends when the guard is
/// dropped.
#[derive(Debug)]
#[must_use = "the request ends as soon as the guard is dropped"]
pub struct RequestGuard(());

impl RequestGuard {
    /// Counts a request that begins.
    pub(crate) fn new() -> RequestGuard {
        COUNTS.open_requests.fetch_add(1, Relaxed);
        COUNTS.requests.fetch_add(1, Relaxed);
        RequestGuard(())
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        COUNTS.open_requests.fetch_sub(1, Relaxed);
    }
}

/// Increments a counter under the lock: a load and a store suffice, and are cheaper than `fetch_add`.
fn increment(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}
