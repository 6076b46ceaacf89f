//! Paces steps: computes the time of the next step from the interval.

use std::time::{Duration, Instant};

/// Returns the next tick after `tick` that is not in the past, in the same rhythm: missed ticks are skipped, as with
/// `MissedTickBehavior::Skip` of tokio.
pub(super) fn next_tick(tick: Instant, now: Instant, pace: Duration) -> Instant {
    let next = tick + pace;
    let late = now.saturating_duration_since(next);
    if late.is_zero() { next } else { now + pace.saturating_sub(remainder(late, pace)) }
}

/// Returns `time` modulo `pace`.
fn remainder(time: Duration, pace: Duration) -> Duration {
    let nanos = time.as_nanos() % pace.as_nanos().max(1);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stay_in_rhythm_and_missed_ticks_are_skipped() {
        let (start, pace) = (Instant::now(), Duration::from_secs(10));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(next_tick(start, at(3), pace), at(10));
        assert_eq!(next_tick(start, at(10), pace), at(10));
        assert_eq!(next_tick(start, at(34), pace), at(40));
    }
}
