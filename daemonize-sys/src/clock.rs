//! The time of day as text.

use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

/// The last second that RFC 3339 can express: the end of the year 9999.
const MAX_SECONDS: u64 = 253_402_300_799;

/// Returns a time in UTC, to the millisecond, as `2026-01-31T23:59:59.999Z` (RFC 3339). A time before 1970 is taken as 1970, and
/// one after the year 9999 as its end.
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, milliseconds) =
        if since.as_secs() > MAX_SECONDS { (MAX_SECONDS, 999) } else { (since.as_secs(), since.subsec_millis()) };
    // A `time_t` of 32 bits ends in the year 2038.
    let seconds = libc::time_t::try_from(seconds).unwrap_or(libc::time_t::MAX);
    let mut broken_down = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are valid during the call, which keeps neither; zeroed bytes are a valid `tm`, should the call fail.
    let tm = unsafe {
        libc::gmtime_r(&raw const seconds, broken_down.as_mut_ptr());
        broken_down.assume_init()
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{milliseconds:03}Z",
        tm.tm_year + 1900,
        tm.tm_mon + 1,
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn time_is_printed_as_rfc_3339() {
        let text = |seconds, milliseconds: u32| rfc3339(UNIX_EPOCH + Duration::new(seconds, milliseconds * 1_000_000));
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (1_709_251_199, "2024-02-29T23:59:59.007Z"),
            (1_735_689_599, "2024-12-31T23:59:59.007Z"),
            (1_893_456_000, "2030-01-01T00:00:00.007Z"),
        ] {
            assert_eq!(text(seconds, 7), expected);
        }
        assert_eq!(rfc3339(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn time_after_the_last_year_of_rfc_3339_is_the_end_of_that_year() {
        let end = UNIX_EPOCH + Duration::new(MAX_SECONDS, 7_000_000);
        assert_eq!(rfc3339(end), "9999-12-31T23:59:59.007Z");
        assert_eq!(rfc3339(end + Duration::from_secs(1)), "9999-12-31T23:59:59.999Z");
    }
}
