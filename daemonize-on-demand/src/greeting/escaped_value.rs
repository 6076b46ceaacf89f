//! Values of a greeting: printable ASCII without spaces, other bytes as `%20`.

use std::fmt::Write;

/// Appended to a value that was cut.
const CUT: &str = "...";

/// Returns `true` for a byte that stands for itself in a value.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'%'
}

/// Returns the text as a value.
pub(crate) fn escape_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    text.chars().for_each(|letter| escape_letter(letter, &mut value));
    value
}

/// Returns the text as a value of at most `space` bytes, cut between two characters if it is longer.
pub(super) fn escape_value_within(text: &str, space: usize) -> String {
    let whole = escape_value(text);
    if whole.len() <= space {
        return whole;
    }
    let mut cut = String::new();
    for letter in text.chars() {
        let length = cut.len();
        escape_letter(letter, &mut cut);
        if cut.len() + CUT.len() > space {
            cut.truncate(length);
            break;
        }
    }
    if cut.len() + CUT.len() <= space {
        cut.push_str(CUT);
    }
    cut
}

fn escape_letter(letter: char, escaped: &mut String) {
    for &byte in letter.encode_utf8(&mut [0; 4]).as_bytes() {
        if is_plain(byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
}

/// Returns the text of a value; `None` if a byte may not stand in a value, an escape is incomplete, or the text is not UTF-8.
pub(crate) fn unescape_value(value: &str) -> Option<String> {
    if value.bytes().all(is_plain) {
        return Some(value.to_owned());
    }
    let mut bytes = value.bytes();
    let mut text = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => text.push(hex(bytes.next()?)? * 16 + hex(bytes.next()?)?),
            _ if is_plain(byte) => text.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(text).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
