//! The future that resolves when the daemon is to stop.

use super::flag::is_stop_requested;
use super::poll::poll_stop;
use super::waiters::{register_waker, remove_waker};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Resolves when the daemon is to stop: see [`stopped`](crate::stopped).
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct StopFuture {
    /// `true` if awaiting it counts as a poll of the stop flag by the body.
    counts_as_poll: bool,
    key: Option<u64>,
}

impl StopFuture {
    /// Returns a future for the body, which polls the stop flag by awaiting it.
    pub(crate) fn for_body() -> StopFuture {
        StopFuture { counts_as_poll: true, key: None }
    }

    /// Returns a future for this library, which says nothing about the body.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(crate) fn for_runner() -> StopFuture {
        StopFuture { counts_as_poll: false, key: None }
    }
}

impl Future for StopFuture {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let is_requested = if self.counts_as_poll { poll_stop() } else { is_stop_requested() };
        if is_requested {
            return Poll::Ready(());
        }
        register_waker(&mut self.key, context.waker())
    }
}

impl Drop for StopFuture {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            remove_waker(key);
        }
    }
}
