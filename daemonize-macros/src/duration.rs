//! Durations in strings, such as `1h 30m`, in the syntax of the monitor's configuration.

use humantime::DurationError;
use std::time::Duration;

/// 100 years, which can be added to every clock without overflow.
const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The longest number in a duration. `humantime` may overflow on longer ones.
const MAX_DIGITS: usize = 15;

/// Parses `500ms`, `3s`, `1.5s` or `1h 30m`, in whole milliseconds, or returns the error message.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() > MAX_DIGITS) {
        return Err(too_long(text));
    }
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("a duration must be longer than zero".into()),
        Ok(time) if time > MAX_DURATION => Err(too_long(text)),
        Ok(time) if time.subsec_nanos() % 1_000_000 != 0 => {
            Err(format!("`{text}` is too precise: write whole milliseconds, such as `1500ms`"))
        }
        Ok(time) => Ok(time),
        Err(DurationError::UnknownUnit { unit, .. }) if unit.is_empty() => {
            Err(format!("`{text}` has no unit: write `{text}ms`, `{text}s`, `{text}m` or `{text}h`"))
        }
        Err(DurationError::UnknownUnit { unit, .. }) => {
            Err(format!("unknown unit `{unit}`, expected `ms`, `s`, `m`, `h` or `d`"))
        }
        Err(DurationError::NumberOverflow) => Err(too_long(text)),
        Err(_) if text.starts_with('-') => Err("a duration cannot be negative".into()),
        Err(_) => Err("a duration is a number and a unit, such as `500ms`, `1.5s`, `2m` or `1h 30m`".into()),
    }
}

fn too_long(text: &str) -> String {
    format!("`{text}` is too long: at most 100 years")
}

#[cfg(test)]
mod tests {
    use super::{Duration, parse};

    #[test]
    fn number_with_any_unit_is_read() {
        for (text, milliseconds) in
            [("500ms", 500), ("1.5s", 1_500), ("3sec", 3_000), (" 10 s ", 10_000), ("1h 30m", 5_400_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn bad_duration_says_what_is_wrong_with_it() {
        let form = "a duration is a number and a unit, such as `500ms`, `1.5s`, `2m` or `1h 30m`";
        let cases = [
            ("", form),
            ("soon", form),
            ("1,5s", form),
            ("3", "`3` has no unit: write `3ms`, `3s`, `3m` or `3h`"),
            ("3x", "unknown unit `x`, expected `ms`, `s`, `m`, `h` or `d`"),
            ("-3s", "a duration cannot be negative"),
            ("0ms", "a duration must be longer than zero"),
            ("1us", "`1us` is too precise: write whole milliseconds, such as `1500ms`"),
            ("99999999999999999999s", "`99999999999999999999s` is too long: at most 100 years"),
            ("1193047h", "`1193047h` is too long: at most 100 years"),
        ];
        for (text, message) in cases {
            assert_eq!(parse(text).as_ref().map_err(String::as_str), Err(message), "{text}");
        }
    }
}
