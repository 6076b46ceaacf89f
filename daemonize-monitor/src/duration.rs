//! Parses durations of the configuration and the command line.

use humantime::DurationError;
use std::time::Duration;

/// 100 years: longer than any use, and still safe to add to every clock.
const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 86_400);

/// More digits than any number of a duration needs; beyond them `humantime` may overflow.
const MAX_DIGITS: usize = 15;

/// Reads `500ms`, `3s`, `1.5s`, `1h 30m` or `2days`, in whole milliseconds.
///
/// # Errors
/// The text is not a duration; the error says why, and what to write.
pub fn parse(text: &str) -> Result<Duration, String> {
    if text.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() > MAX_DIGITS) {
        return Err(too_long(text));
    }
    match humantime::parse_duration(text) {
        Ok(time) if time > MAX_DURATION => Err(too_long(text)),
        Ok(time) if time.subsec_nanos() % 1_000_000 != 0 => {
            Err(format!("`{text}` is too precise: write whole milliseconds, such as \"1500ms\""))
        }
        Ok(time) => Ok(time),
        Err(DurationError::UnknownUnit { unit, .. }) if unit.is_empty() => {
            Err(format!("`{text}` has no unit: add `ms`, `s`, `m`, `h` or `d`"))
        }
        Err(DurationError::UnknownUnit { unit, .. }) => {
            Err(format!("`{unit}` is not a unit of a duration: write `ms`, `s`, `m`, `h` or `d`"))
        }
        Err(DurationError::NumberOverflow) => Err(too_long(text)),
        Err(_) => Err(format!("`{text}` is not a duration: write a number and a unit, such as \"3s\"")),
    }
}

fn too_long(text: &str) -> String {
    format!("`{text}` is too long: 100 years are the most")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_with_units_is_read_in_milliseconds() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("500ms", 500),
            ("3s", 3_000),
            ("1.5s", 1_500),
            ("2m", 120_000),
            ("1h 30m", 5_400_000),
            ("1d", 86_400_000),
            ("100days", 8_640_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn text_that_is_not_a_duration_is_refused_with_its_fix() {
        let limit = "100 years are the most";
        for (text, fix) in [
            ("", "such as \"3s\""),
            ("s", "such as \"3s\""),
            ("-1s", "such as \"3s\""),
            ("inf", "such as \"3s\""),
            ("1,5s", "such as \"3s\""),
            ("10", "`10` has no unit: add"),
            ("1x", "`x` is not a unit"),
            ("1us", "whole milliseconds"),
            ("1.0005s", "whole milliseconds"),
            ("36501d", limit),
            ("99999999999999999999s", limit),
            ("18446744073709551615s 1000000000ns", limit),
            ("999999999999999w", limit),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(fix), "{text}: {error}");
        }
    }
}
