//! Formats durations, sizes and counts for people, and escapes text of other programs.

/// A text of others for a terminal, and the same for JSON.
pub(crate) use daemonize_sys::escape::{escape, escape_json};

/// `45s`, `12m 05s`, `3h 07m`, `12d 04h`.
pub(crate) fn duration(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Saturates, and nothing is negative.
    let seconds = seconds.max(0.0) as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}

/// `980 B`, `12 kB`, `3.4 MB`.
pub(crate) use daemonize_monitor::__daemonctl::size;

/// `1 bot`, `2 bots`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_short() {
        for (seconds, shown) in [
            (0.2, "0s"),
            (59.9, "59s"),
            (60.0, "1m 00s"),
            (3599.0, "59m 59s"),
            (3600.0, "1h 00m"),
            (1e6, "11d 13h"),
            (-1.0, "0s"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
        for (bytes, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (9_960, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (3_400_000_000, "3.4 GB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
