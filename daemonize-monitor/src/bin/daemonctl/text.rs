//! Texts for people: durations, sizes, and what others wrote, made harmless.

use std::borrow::Cow;
use std::fmt::Write;

/// A text of somebody else's for a terminal: what would move the cursor, colour, retitle or reverse is shown as what it is.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_control(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// JSON in which every control character is escaped, also those that JSON would let through.
pub(crate) fn harmless_json(json: &str) -> Cow<'_, str> {
    let is_dangerous = |letter: char| is_control(letter);
    if !json.chars().any(is_dangerous) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if is_dangerous(letter) {
            // All of them are below U+10000.
            let _ = write!(shown, "\\u{:04x}", u32::from(letter));
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// Control characters (tabs are none), and those that turn the direction of writing.
fn is_control(letter: char) -> bool {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (letter.is_control() && letter != '\t')
}

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
#[allow(clippy::cast_precision_loss)] // Two digits are shown.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// `1 bot`, `2 bots`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p5_16_nothing_reaches_a_terminal_but_letters() {
        for (text, shown) in [
            ("web", "web"),
            ("\x1b[2Jgone", "\\u{1b}[2Jgone"),
            ("a\rb\nc", "a\\rb\\nc"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("tab\tand ümlaut", "tab\tand ümlaut"),
        ] {
            assert_eq!(harmless(text), shown);
        }
        let json = serde_json::to_string("\u{1b}\u{9b}\u{7f}\u{202e}ü").unwrap();
        let shown = harmless_json(&json);
        assert!(!shown.chars().any(is_control), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), "\u{1b}\u{9b}\u{7f}\u{202e}ü");
    }

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
