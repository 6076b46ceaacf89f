//! Timestamps of log lines: RFC 3339, UTC, milliseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the lines with the current time before each, in UTC and to the millisecond.
pub(super) fn stamped(lines: &[u8]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let stamp = time(now);
    let mut out = Vec::with_capacity(lines.len() * 2);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(stamp.as_bytes());
        out.push(b' ');
        out.extend_from_slice(line);
    }
    out
}

/// The last millisecond that RFC 3339 can express: the end of the year 9999.
const MAX_TIME: Duration = Duration::from_millis(253_402_300_799_999);

/// Returns a time since 1970 as `2026-01-31T23:59:59.999Z`. Later times than the year 9999 are clamped.
pub(crate) fn time(since_1970: Duration) -> String {
    // `humantime` fails to format a later time, and `to_string` would panic.
    let printable = since_1970.min(MAX_TIME);
    humantime::format_rfc3339_millis(UNIX_EPOCH + printable).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_printed_as_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (1_709_251_199, "2024-02-29T23:59:59.007Z"),
            (1_735_689_599, "2024-12-31T23:59:59.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
            (253_402_300_799, "9999-12-31T23:59:59.007Z"),
        ] {
            assert_eq!(time(Duration::from_secs(seconds) + Duration::from_millis(7)), text);
        }
        assert_eq!(time(Duration::from_secs(u64::MAX)), "9999-12-31T23:59:59.999Z");
    }
}
