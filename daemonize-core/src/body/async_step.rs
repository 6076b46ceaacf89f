//! The body that repeats one async function.

use super::pacing::next_tick;
use super::{BodyResult, IntoControlFlow};
use crate::counters::COUNTS;
use crate::stop_flag::{self, StopFuture};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Calls and awaits `step` repeatedly, without a pause or at an interval, until a stop is requested.
pub(crate) async fn steps<R: IntoControlFlow<K>, K>(
    mut step: impl AsyncFnMut() -> R,
    every: Option<Duration>,
) -> BodyResult {
    let mut tick = Instant::now();
    let mut steps = 0;
    let mut is_over = stop_flag::poll_stop_before_ready();
    while !is_over {
        if let ControlFlow::Break(result) = step().await.into_control_flow() {
            return result;
        }
        steps += 1;
        COUNTS.stepped(steps);
        // The first step that succeeds makes the daemon ready.
        stop_flag::poll_stop();
        match every {
            Some(pace) => {
                tick = next_tick(tick, Instant::now(), pace);
                let _ = tokio::time::timeout_at(tick.into(), StopFuture::for_runner()).await;
            }
            // Without this, a step that never waits would starve the tasks that it has spawned.
            None => tokio::task::yield_now().await,
        }
        is_over = stop_flag::poll_stop();
    }
    BodyResult::success()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    #[test]
    fn a_break_ends_the_steps() {
        for every in [None, Some(Duration::from_millis(1))] {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            let mut left = 3;
            let step = async || {
                left -= 1;
                tokio::task::yield_now().await;
                if left == 0 { ControlFlow::Break(BodyResult::with_status(9)) } else { ControlFlow::Continue(()) }
            };
            assert_eq!(runtime.block_on(steps(step, every)), BodyResult::with_status(9));
        }
    }
}
