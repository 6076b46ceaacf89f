//! Parses the beginning of a search: a time, or how long ago it was.

use super::line_stamp::in_ms;
use crate::duration;
use std::time::SystemTime;

/// Parses `10m` (that long before `now`), `2026-11-30T14:05:00Z`, `2026-11-30 14:05:00` (UTC) or `@1780000000` (seconds since 1970).
/// Returns milliseconds since 1970.
///
/// # Errors
/// Returns how a time is written.
pub fn parse_since(text: &str, now: SystemTime) -> Result<u64, String> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        let seconds = seconds.parse::<f64>().ok().filter(|seconds| (0.0..1e11).contains(seconds));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Within the range above.
        return seconds.map(|seconds| (seconds * 1000.0) as u64).ok_or_else(|| wrong(text));
    }
    if let Ok(time) = humantime::parse_rfc3339_weak(text) {
        return Ok(in_ms(time));
    }
    let ago = duration::parse(text).map_err(|_| wrong(text))?;
    Ok(now.checked_sub(ago).map_or(0, in_ms))
}

fn wrong(text: &str) -> String {
    format!(
        "`{text}` is not a time: write how long ago, such as `10m`, or a time in UTC, such as `2026-11-30T14:05:00Z`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn beginning_is_a_time_or_how_long_ago_it_was() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (text, expected) in [
            ("10m", 999_400_000),
            ("1500ms", 999_998_500),
            ("1970-01-02T00:00:00.250Z", 86_400_250),
            ("1970-01-02 00:00:00", 86_400_000),
            ("@12.5", 12_500),
            ("100days", 0),
        ] {
            assert_eq!(parse_since(text, now), Ok(expected), "{text}");
        }
        for text in ["", "soon", "-5m", "@-1", "@1e300", "@NaN", "2026-13-01 00:00:00"] {
            assert!(parse_since(text, now).unwrap_err().contains("is not a time: write"), "{text}");
        }
    }
}
