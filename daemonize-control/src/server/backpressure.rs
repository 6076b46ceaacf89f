//! Asks idle connections to close while others wait, in the order in which they became idle.

use daemonize_sys::mutex::lock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};
use tokio::time::Instant;

/// The connections of a listener that may be idle, and a flag that is set while another connection waits for a permit.
#[derive(Debug, Default)]
pub(super) struct Backpressure {
    is_crowded: AtomicBool,
    connections: Mutex<Vec<Weak<IdleConnection>>>,
}

impl Backpressure {
    /// Returns `true` while a connection waits for a permit: connections then close after their next response.
    pub(super) fn is_crowded(&self) -> bool {
        self.is_crowded.load(Relaxed)
    }

    pub(super) fn set_crowded(&self, is_crowded: bool) {
        self.is_crowded.store(is_crowded, Relaxed);
    }

    /// Adds a connection, which is busy at first.
    pub(super) fn add(&self) -> Arc<IdleConnection> {
        let connection = Arc::new(IdleConnection::default());
        let mut connections = lock(&self.connections);
        connections.retain(|connection| connection.strong_count() > 0);
        connections.push(Arc::downgrade(&connection));
        connection
    }

    /// Asks the connection that has been idle for longest to close.
    pub(super) fn evict_one(&self) {
        let now = Instant::now();
        let evictable = |connection: &Arc<IdleConnection>| connection.evictable_from().filter(|time| *time <= now);
        let connections = lock(&self.connections);
        let idle = connections.iter().filter_map(Weak::upgrade).filter_map(|idle| Some((evictable(&idle)?, idle)));
        if let Some((_, longest)) = idle.min_by_key(|(time, _)| *time) {
            longest.evict();
        }
    }

    /// Wakes all idle connections, so that they check for the shutdown.
    pub(super) fn wake_all(&self) {
        lock(&self.connections).iter().filter_map(Weak::upgrade).for_each(|connection| connection.wake());
    }
}

/// The idle state of a connection.
#[derive(Debug, Default)]
pub(super) struct IdleConnection(Mutex<IdleState>);

#[derive(Debug, Default)]
struct IdleState {
    /// Time from which the connection may be asked to close; `None` while it is busy.
    evictable_from: Option<Instant>,
    is_evicted: bool,
    waker: Option<Waker>,
}

impl IdleConnection {
    /// Becomes ready when the connection is asked to close. It may be asked from the time `from` on.
    pub(super) fn poll_evicted(&self, from: Instant, context: &mut Context<'_>) -> Poll<()> {
        let mut idle = lock(&self.0);
        if std::mem::take(&mut idle.is_evicted) {
            return Poll::Ready(());
        }
        idle.evictable_from = Some(from);
        match &mut idle.waker {
            Some(waker) => waker.clone_from(context.waker()),
            waker => *waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Waits until the connection is asked to close.
    pub(super) async fn evicted(&self) {
        let now = Instant::now();
        std::future::poll_fn(|context| self.poll_evicted(now, context)).await;
    }

    /// Marks the connection as busy, so that it is not asked to close.
    pub(super) fn set_busy(&self) {
        let mut idle = lock(&self.0);
        (idle.evictable_from, idle.is_evicted) = (None, false);
    }

    fn evictable_from(&self) -> Option<Instant> {
        lock(&self.0).evictable_from
    }

    fn evict(&self) {
        lock(&self.0).is_evicted = true;
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &lock(&self.0).waker {
            waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn connection_that_was_idle_for_longest_is_evicted_first_and_a_busy_one_never() {
        let backpressure = Backpressure::default();
        let [first, second, busy, fresh] = [(); 4].map(|()| backpressure.add());
        let context = &mut Context::from_waker(Waker::noop());
        let now = Instant::now();
        let times = [now - Duration::from_secs(2), now - Duration::from_secs(1), now - Duration::from_secs(3)];
        for (connection, time) in [&first, &second, &busy].into_iter().zip(times) {
            assert!(connection.poll_evicted(time, context).is_pending());
        }
        busy.set_busy();
        assert!(fresh.poll_evicted(now + Duration::from_secs(60), context).is_pending());
        for expected in [&first, &second] {
            backpressure.evict_one();
            let evicted = [&first, &second, &fresh].map(|idle| lock(&idle.0).is_evicted);
            assert_eq!(evicted, [&first, &second, &fresh].map(|idle| Arc::ptr_eq(idle, expected)));
            assert!(expected.poll_evicted(now, context).is_ready());
            expected.set_busy();
        }
        drop(first);
        backpressure.evict_one();
        assert!(!lock(&fresh.0).is_evicted && !lock(&busy.0).is_evicted);
        backpressure.add();
        assert_eq!(lock(&backpressure.connections).len(), 4, "one was dropped");
    }
}
