//! The body that repeats one function.

use super::pacing::next_tick;
use super::{BodyResult, Work};
use crate::counters::COUNTS;
use crate::stop_flag;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// A function that is called repeatedly, without a pause or at an interval, until a stop is requested.
#[derive(Clone, Debug)]
pub struct Step<F> {
    pub(crate) step: F,
    /// The interval from one start to the next. A step that takes longer skips the ticks that it missed.
    pub(crate) every: Option<Duration>,
}

impl<F: FnMut() -> ControlFlow<BodyResult>> Work for Step<F> {
    fn work(self) -> BodyResult {
        match self.every {
            None => run_unpaced(self.step),
            Some(pace) => run_paced(self.step, pace),
        }
    }
}

/// Calls `step` without a pause. This costs one relaxed load and one store per step: no system call, no clock.
fn run_unpaced(mut step: impl FnMut() -> ControlFlow<BodyResult>) -> BodyResult {
    let mut steps = 0;
    let mut is_over = stop_flag::poll_stop_before_ready();
    while !is_over {
        if let ControlFlow::Break(result) = step() {
            return result;
        }
        steps += 1;
        COUNTS.stepped(steps);
        // The first step that succeeds makes the daemon ready.
        is_over = stop_flag::poll_stop();
    }
    BodyResult::success()
}

/// Calls `step` at each tick of the interval `pace`.
fn run_paced(mut step: impl FnMut() -> ControlFlow<BodyResult>, pace: Duration) -> BodyResult {
    let mut tick = Instant::now();
    let mut steps = 0;
    let mut is_over = stop_flag::poll_stop_before_ready();
    while !is_over {
        if let ControlFlow::Break(result) = step() {
            return result;
        }
        steps += 1;
        COUNTS.stepped(steps);
        tick = next_tick(tick, Instant::now(), pace);
        // The first step that succeeds makes the daemon ready. The second poll tells the watchdog that the next step begins.
        is_over = stop_flag::poll_stop() || !stop_flag::sleep_until(tick) || stop_flag::poll_stop();
    }
    BodyResult::success()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_ends_the_steps() {
        let mut left = 3;
        let step = || {
            left -= 1;
            if left == 0 { ControlFlow::Break(BodyResult::with_status(9)) } else { ControlFlow::Continue(()) }
        };
        assert_eq!(run_unpaced(step), BodyResult::with_status(9));
    }
}
