//! A stop request that the fetching task awaits beside each fetch.

use crate::stop_flag::{self, StopFuture};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A stop request that is awaited once per message, but registered with the stop flag only once.
#[derive(Default)]
pub(super) struct StopListener {
    until: Option<StopFuture>,
    waker: Option<Waker>,
    /// Set once a fetch has succeeded, which makes the daemon ready, whether there was a message or not.
    pub(super) answered: bool,
}

impl StopListener {
    /// Returns the output of a future; `None` if a stop is requested first. The caller then drops the future.
    pub(super) async fn or<F: Future>(&mut self, mut future: Pin<&mut F>) -> Option<F::Output> {
        if self.is_requested() {
            return None;
        }
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => self.poll(context).map(|()| None),
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) && !self.is_requested() {
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        Pin::new(self.until.get_or_insert_with(StopFuture::for_runner)).poll(context)
    }

    /// Returns `true` if a stop was requested.
    pub(super) fn is_requested(&self) -> bool {
        if self.answered { stop_flag::poll_stop() } else { stop_flag::poll_stop_before_ready() }
    }
}
