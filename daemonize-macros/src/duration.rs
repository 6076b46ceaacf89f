//! Durations as people write them: a whole number and a unit.

use std::time::Duration;

/// The units, each with its length in milliseconds.
const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// 136 years: far beyond any use, and still safe to add to every clock.
const LONGEST: u64 = u32::MAX as u64 * 1_000;

/// Reads `500ms`, `3s`, `2m` or `1h`; the error says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err("a duration cannot be negative".into());
    }
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    if number.is_empty() {
        return Err("a duration is a whole number and a unit, such as `500ms`, `3s`, `2m` or `1h`".into());
    }
    let unit = unit.trim();
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(match unit.chars().next() {
            None => format!("`{number}` has no unit: write `{number}ms`, `{number}s`, `{number}m` or `{number}h`"),
            Some('.' | ',') => format!("`{text}` is not a whole number: take a smaller unit, such as `ms`"),
            Some(_) => format!("unknown unit `{unit}`, expected `ms`, `s`, `m` or `h`"),
        });
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor)) {
        Some(0) => Err("a duration must be longer than zero".into()),
        Some(total) if total <= LONGEST => Ok(Duration::from_millis(total)),
        _ => Err(format!("`{text}` is too long: at most 136 years")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, parse};

    #[test]
    fn number_with_any_unit_is_read() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse("1h"), Ok(Duration::from_secs(3_600)));
        assert_eq!(parse(" 10 s "), Ok(Duration::from_secs(10)));
    }

    #[test]
    fn bad_duration_says_what_is_wrong_with_it() {
        let cases = [
            ("", "a duration is a whole number and a unit, such as `500ms`, `3s`, `2m` or `1h`"),
            ("soon", "a duration is a whole number and a unit, such as `500ms`, `3s`, `2m` or `1h`"),
            ("3", "`3` has no unit: write `3ms`, `3s`, `3m` or `3h`"),
            ("3sec", "unknown unit `sec`, expected `ms`, `s`, `m` or `h`"),
            ("1.5s", "`1.5s` is not a whole number: take a smaller unit, such as `ms`"),
            ("-3s", "a duration cannot be negative"),
            ("0ms", "a duration must be longer than zero"),
            ("99999999999999999999s", "`99999999999999999999s` is too long: at most 136 years"),
            ("18446744073709551615h", "`18446744073709551615h` is too long: at most 136 years"),
            ("1193047h", "`1193047h` is too long: at most 136 years"),
        ];
        for (text, message) in cases {
            assert_eq!(parse(text).as_ref().map_err(String::as_str), Err(message), "{text}");
        }
    }
}
