//! A time that moves on with every request. Its timer does not: to set one costs more than to let it ring too early.

use std::pin::Pin;
use tokio::time::{Instant, Sleep, sleep_until};

/// When something is over.
#[derive(Debug)]
pub(super) struct Deadline {
    at: Instant,
    /// Rings then, or before.
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    /// A deadline at this time.
    pub(super) fn new(at: Instant) -> Deadline {
        Deadline { at, timer: Box::pin(sleep_until(at)) }
    }

    /// From now on it is at this time.
    pub(super) fn set(&mut self, at: Instant) {
        self.at = at;
        if at < self.timer.deadline() {
            self.timer.as_mut().reset(at);
        }
    }

    /// Returns when it is over.
    pub(super) async fn is_over(&mut self) {
        loop {
            self.timer.as_mut().await;
            if self.timer.deadline() >= self.at {
                return;
            }
            self.timer.as_mut().reset(self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_is_over_when_it_was_set_last_and_not_before() {
        const LONG: Duration = Duration::from_millis(200);
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            let begun = Instant::now();
            let mut deadline = Deadline::new(begun + LONG / 20);
            for at in [LONG / 10, LONG, LONG / 5, LONG] {
                deadline.set(begun + at);
            }
            deadline.is_over().await;
            assert!(begun.elapsed() >= LONG, "{:?}", begun.elapsed());
            let mut deadline = Deadline::new(begun + LONG * 100);
            deadline.set(begun + LONG * 2);
            deadline.is_over().await;
            assert!(begun.elapsed() >= LONG * 2 && begun.elapsed() < LONG * 50, "{:?}", begun.elapsed());
        });
    }
}
