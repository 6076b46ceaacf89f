//! How often a log that grows is looked at.

use std::time::{Duration, Instant};

/// The shortest pause: a log that grows by 1 GB/s exceeds its maximum by about the 1 MB that are written meanwhile.
const MIN_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause of a log whose growth is reported by the kernel.
pub(super) const MAX_PAUSE: Duration = Duration::from_millis(50);

/// The pauses between two looks at a file: short after a time without growth, then longer as long as the file stays far from its
/// maximum at the rate at which it grows, and short again near the maximum.
#[derive(Debug)]
pub(super) struct Pace {
    max_pause: Duration,
    pause: Duration,
    last: Option<(Instant, u64)>,
}

impl Pace {
    pub(super) fn new(max_pause: Duration) -> Pace {
        Pace { max_pause, pause: MIN_PAUSE, last: None }
    }

    /// Records the size at a look. Returns the pause until the next look.
    pub(super) fn pause(&mut self, now: Instant, size: u64, maximum: u64) -> Duration {
        let longer = self.pause.saturating_mul(2).min(self.max_pause);
        self.pause = match self.last {
            Some((then, before)) if size >= before && now.duration_since(then) <= self.pause.saturating_mul(2) => {
                // Half of the time that is left at this rate, since the rate may double.
                let (grown, left) = (size - before, maximum.saturating_sub(size));
                let time = now.duration_since(then).as_secs_f64();
                #[allow(clippy::cast_precision_loss)] // A ratio.
                let time_left = Duration::try_from_secs_f64(time * left as f64 / (2 * grown.max(1)) as f64);
                longer.min(time_left.unwrap_or(self.max_pause)).max(MIN_PAUSE)
            }
            // After a time without growth its rate is not known.
            _ => MIN_PAUSE,
        };
        self.last = Some((now, size));
        self.pause
    }

    /// Returns the rest of the pause since the last look.
    pub(super) fn left(&self, now: Instant) -> Duration {
        self.last.map_or(Duration::ZERO, |(then, _)| self.pause.saturating_sub(now.duration_since(then)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// Returns the size at which a look finds that the maximum is exceeded, and the number of looks, with this growth per second.
    fn rotation(rate: u64, maximum: u64) -> (u64, u32) {
        let (mut pace, begin, mut time, mut looks) = (Pace::new(MAX_PAUSE), Instant::now(), Duration::ZERO, 0);
        loop {
            let size = u64::try_from(u128::from(rate) * time.as_micros() / 1_000_000).unwrap();
            if size > maximum {
                return (size, looks);
            }
            time += pace.pause(begin + time, size, maximum);
            looks += 1;
        }
    }

    #[test]
    fn steady_growth_is_noticed_within_two_milliseconds_of_the_maximum() {
        for rate in [MIB, 100 * MIB, 1000 * MIB] {
            let (size, looks) = rotation(rate, 10 * MIB);
            assert!(size - 10 * MIB <= rate / 500, "{rate} bytes/s: {} bytes over", size - 10 * MIB);
            assert!(looks < 300, "{rate} bytes/s: {looks} looks");
        }
    }

    #[test]
    fn rare_growth_is_looked_at_without_a_pause() {
        let (mut pace, begin) = (Pace::new(MAX_PAUSE), Instant::now());
        for second in 0..3 {
            let now = begin + Duration::from_secs(second);
            assert_eq!(pace.left(now), Duration::ZERO);
            assert_eq!(pace.pause(now, 100 * second, 10 * MIB), MIN_PAUSE);
        }
    }

    #[test]
    fn steady_slow_growth_is_looked_at_every_longest_pause() {
        let (mut pace, mut now) = (Pace::new(MAX_PAUSE), Instant::now());
        for size in 0..20 {
            now += pace.pause(now, size * 100, 10 * MIB);
        }
        assert_eq!(pace.pause(now, 2000, 10 * MIB), MAX_PAUSE);
        assert_eq!(pace.left(now), MAX_PAUSE);
        assert_eq!(pace.left(now + MAX_PAUSE), Duration::ZERO);
    }
}
