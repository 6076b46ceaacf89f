//! A deadline that moves with every request. Its timer stays: resetting a timer costs more than one that fires too early.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep_until};

/// A time at which an operation times out.
#[derive(Debug)]
pub(super) struct Deadline {
    at: Instant,
    /// Fires at that time or earlier.
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    /// Returns a deadline at this time.
    pub(super) fn new(at: Instant) -> Deadline {
        Deadline { at, timer: Box::pin(sleep_until(at)) }
    }

    /// Returns its time.
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// Moves it to this time.
    pub(super) fn set(&mut self, at: Instant) {
        self.at = at;
        if at < self.timer.deadline() {
            self.timer.as_mut().reset(at);
        }
    }

    /// Becomes ready when the deadline has passed.
    pub(super) fn poll_passed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            if self.timer.deadline() >= self.at {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::time::Duration;

    #[test]
    fn deadline_passes_when_it_was_set_last_and_not_before() {
        const STEP: Duration = Duration::from_millis(200);
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            let begun = Instant::now();
            let mut deadline = Deadline::new(begun + STEP / 20);
            for at in [STEP / 10, STEP, STEP / 5, STEP] {
                deadline.set(begun + at);
            }
            poll_fn(|context| deadline.poll_passed(context)).await;
            assert!(begun.elapsed() >= STEP, "{:?}", begun.elapsed());
            let mut deadline = Deadline::new(begun + STEP * 100);
            deadline.set(begun + STEP * 2);
            poll_fn(|context| deadline.poll_passed(context)).await;
            assert!(begun.elapsed() >= STEP * 2 && begun.elapsed() < STEP * 50, "{:?}", begun.elapsed());
        });
    }
}
