//! A daemon that repeats one function.

use super::{BodyResult, Work};
use crate::counters::COUNTS;
use crate::stop_flag;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// A function that is called again and again, at once or at a pace, until the daemon is to stop.
#[derive(Clone, Debug)]
pub struct Step<F> {
    pub(crate) step: F,
    /// From one beginning to the next; a step that takes longer skips the beats it missed.
    pub(crate) every: Option<Duration>,
}

impl<F: FnMut() -> ControlFlow<BodyResult>> Work for Step<F> {
    fn work(self) -> BodyResult {
        match self.every {
            None => at_once(self.step),
            Some(pace) => paced(self.step, pace),
        }
    }
}

/// One relaxed load and one store per step: no system call, no clock.
fn at_once(mut step: impl FnMut() -> ControlFlow<BodyResult>) -> BodyResult {
    let mut steps = 0;
    let mut is_over = stop_flag::poll_stop_before_ready();
    while !is_over {
        if let ControlFlow::Break(ending) = step() {
            return ending;
        }
        steps += 1;
        COUNTS.stepped(steps);
        // After a step that succeeded, the daemon is ready.
        is_over = stop_flag::poll_stop();
    }
    BodyResult::success()
}

fn paced(mut step: impl FnMut() -> ControlFlow<BodyResult>, pace: Duration) -> BodyResult {
    let mut beat = Instant::now();
    let mut steps = 0;
    let mut is_over = stop_flag::poll_stop_before_ready();
    while !is_over {
        if let ControlFlow::Break(ending) = step() {
            return ending;
        }
        steps += 1;
        COUNTS.stepped(steps);
        beat = next_beat(beat, Instant::now(), pace);
        // After a step that succeeded, the daemon is ready. The second look shows a watchdog that the next step begins.
        is_over = stop_flag::poll_stop() || !stop_flag::sleep_until(beat) || stop_flag::poll_stop();
    }
    BodyResult::success()
}

/// The next multiple of `pace` after `beat` that is not over yet.
pub(super) fn next_beat(beat: Instant, now: Instant, pace: Duration) -> Instant {
    let next = beat + pace;
    let late = now.saturating_duration_since(next);
    if late.is_zero() { next } else { now + pace.saturating_sub(remainder(late, pace)) }
}

/// What is left of `time` when as many `pace`s as fit are taken off.
fn remainder(time: Duration, pace: Duration) -> Duration {
    let nanos = time.as_nanos() % pace.as_nanos().max(1);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_keep_their_rhythm_and_missed_ones_are_skipped() {
        let (start, pace) = (Instant::now(), Duration::from_secs(10));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(next_beat(start, at(3), pace), at(10));
        assert_eq!(next_beat(start, at(10), pace), at(10));
        assert_eq!(next_beat(start, at(34), pace), at(40));
    }

    #[test]
    fn a_break_ends_the_steps() {
        let mut left = 3;
        let step = || {
            left -= 1;
            if left == 0 { ControlFlow::Break(BodyResult::with_status(9)) } else { ControlFlow::Continue(()) }
        };
        assert_eq!(at_once(step), BodyResult::with_status(9));
    }
}
