//! Escapes untrusted text before it is written to a terminal, a log, syslog or a web page.
//!
//! Control characters change the state of a terminal. Bidirectional and zero-width characters make one text look like another.
//! All crates use these functions.
//!
//! Escaping is idempotent: a backslash is not escaped, so that escaped text stays unchanged.

use std::borrow::Cow;
use std::fmt::Write;

/// Returns `true` for a character that is escaped: C0 except the tab, DEL, C1, line and paragraph separators, format characters
/// (`Cf`: bidirectional controls, zero-width characters, tags) and fillers.
///
/// Variation selectors (U+FE00 to U+FE0F) are not escaped, since emoji need them.
pub fn is_escaped(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_control() && letter != '\t';
    }
    matches!(letter,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the text as one line, with escapes such as `\n`, `\r` and `\u{1b}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_where(text, is_escaped)
}

/// Returns the text escaped as by [`escape`], except its line ends.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    escape_where(text, |letter| is_escaped(letter) && letter != '\n')
}

/// Returns bytes as one line, escaped as by [`escape`]. A byte that is not UTF-8 becomes `\xff`.
pub fn escape_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return escape(text);
    }
    let mut escaped = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        escaped.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    Cow::Owned(escaped)
}

/// Returns equivalent JSON in which the characters of [`is_escaped`] are written as `\u202e`. They occur only in strings of JSON.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    // Most JSON is printable ASCII. The loop has no early exit, so that the compiler vectorizes it.
    let is_printable = json.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    if is_printable || !json.contains(is_escaped) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if is_escaped(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(letter);
        }
    }
    Cow::Owned(escaped)
}

/// Escapes as [`escape_lines`] does, without a copy if no character is escaped.
pub fn into_escaped_lines(text: String) -> String {
    match escape_lines(&text) {
        Cow::Owned(escaped) => escaped,
        Cow::Borrowed(_) => text,
    }
}

fn escape_where(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_escaped(letter) { escaped.extend(letter.escape_default()) } else { escaped.push(letter) }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_shows_what_would_drive_a_terminal() {
        for (text, escaped) in [
            ("web", "web"),
            ("\x1b[2Jgone", "\\u{1b}[2Jgone"),
            ("a\rb\nc\0", "a\\rb\\nc\\u{0}"),
            ("\u{9b}31m\x7f\u{85}", "\\u{9b}31m\\u{7f}\\u{85}"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("a\u{61c}b\u{200b}c\u{2066}d\u{feff}", "a\\u{61c}b\\u{200b}c\\u{2066}d\\u{feff}"),
            ("\u{e0001}\u{e0041}\u{2028}\u{ad}", "\\u{e0001}\\u{e0041}\\u{2028}\\u{ad}"),
            (
                "tab\tand ümlaut, 日本\u{3000}語, e\u{301}, ❤\u{fe0f}, \\",
                "tab\tand ümlaut, 日本\u{3000}語, e\u{301}, ❤\u{fe0f}, \\",
            ),
        ] {
            assert_eq!(escape(text), escaped);
        }
        assert_eq!(escape_lines("a\r\n\x1bb\n"), "a\\r\n\\u{1b}b\n");
        assert_eq!(
            escape_bytes(b"\xffa\x1b\xc3\xc3\xa4\xe2\x80\xae\xe2\x80"),
            "\\xffa\\u{1b}\\xc3ä\\u{202e}\\xe2\\x80"
        );
    }

    #[test]
    fn escape_json_uses_surrogates_beyond_the_first_plane() {
        assert_eq!(escape_json("\"\u{e0041}\u{9b}ü\""), "\"\\udb40\\udc41\\u009bü\"");
    }

    proptest! {
        /// Promise 5.18.
        #[test]
        fn escape_leaves_no_control_or_format_character(text in "([\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]|[a\\\\\n\t]){0,60}") {
            let is_plain = |letter: char| matches!(letter, ' '..='~' | '\t');
            prop_assert!(escape(&text).chars().all(is_plain), "{:?}", escape(&text));
            prop_assert!(escape_json(&text).chars().all(is_plain));
            prop_assert!(escape_lines(&text).chars().all(|letter| is_plain(letter) || letter == '\n'));
            prop_assert_eq!(escape_lines(&text).matches('\n').count(), text.matches('\n').count());
        }

        /// Promise 5.18.
        #[test]
        fn escape_changes_no_other_text(
            text in "[[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Zs}]--[\\p{Default_Ignorable_Code_Point}]]{0,60}",
        ) {
            prop_assert!(matches!(escape(&text), Cow::Borrowed(_)));
        }

        /// Promise 5.18.
        #[test]
        fn escape_of_escaped_text_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let escaped = escape_bytes(&bytes).into_owned();
            prop_assert!(!escaped.contains(is_escaped), "{escaped:?}");
            prop_assert_eq!(escape(&escaped), &*escaped);
        }
    }
}
