//! Numbers, switches, durations and sizes as other supervisors write them, and as they are written here.

/// Returns a duration of seconds: `1.5` becomes `1500ms`, `90` becomes `90s`.
pub(super) fn seconds(text: &str) -> Option<String> {
    let number: f64 = text.trim().parse().ok()?;
    if !(0.0..=3_000_000_000.0).contains(&number) {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // In range.
    Some(milliseconds((number * 1000.0).round() as u64))
}

/// Returns a duration of milliseconds.
pub(super) fn milliseconds(number: u64) -> String {
    if number % 1000 == 0 { format!("{}s", number / 1000) } else { format!("{number}ms") }
}

/// Returns a size, from `50MB`, `1G` or `1024`; their units are powers of 1024.
pub(super) fn size(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_uppercase();
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let unit = match unit.trim() {
        "" | "B" => "B",
        "K" | "KB" => "KiB",
        "M" | "MB" => "MiB",
        "G" | "GB" => "GiB",
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

/// Returns a switch: `true`, `yes`, `on` and `1`, or their opposites.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "t" | "y" => Some(true),
        "false" | "no" | "off" | "0" | "f" | "n" | "none" => Some(false),
        _ => None,
    }
}

/// Returns the name of a signal without `SIG`.
pub(super) fn signal(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_uppercase();
    let signal: daemonize_core::Signal = text.parse().ok()?;
    Some(signal.to_string().trim_start_matches("SIG").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_values_with_units() {
        assert_eq!(seconds("10").as_deref(), Some("10s"));
        assert_eq!(seconds("0.25").as_deref(), Some("250ms"));
        assert_eq!((seconds("-1"), seconds("x"), seconds("inf")), (None, None, None));
        for (text, expected) in [("50MB", "50MiB"), ("1g", "1GiB"), ("0", "0B"), ("300 K", "300KiB")] {
            assert_eq!(size(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!((size("x"), size("1.5G"), size("1T")), (None, None, None));
        assert_eq!((truth("Yes"), truth("0"), truth("maybe")), (Some(true), Some(false), None));
        assert_eq!(
            (signal("SIGint").as_deref(), signal("15").as_deref(), signal("NO")),
            (Some("INT"), Some("TERM"), None)
        );
    }
}
