//! Truncates text without splitting a UTF-8 character or a terminal escape sequence.

use memchr::memrchr;

/// The longest escape sequence that is kept whole: enough for every colour.
const MAX_SEQUENCE_BYTES: usize = 64;

/// Returns the beginning of `text`: at most `limit` bytes and at least one. A UTF-8 character or escape sequence that would be
/// split is omitted; other bytes are split anywhere.
pub(crate) fn prefix(text: &[u8], limit: usize) -> &[u8] {
    if text.len() <= limit {
        return text;
    }
    let text = &text[..limit];
    let whole = &text[..text.len() - incomplete_sequence(text)];
    let whole = &whole[..whole.len() - incomplete_character(whole)];
    if whole.is_empty() { text } else { whole }
}

/// Returns `text` without the end of a character whose beginning is missing.
pub(super) fn without_rest_of_character(text: &[u8]) -> &[u8] {
    let is_rest = |byte: &u8| *byte & 0b1100_0000 == 0b1000_0000;
    let rest = text.iter().take(3).take_while(|byte| is_rest(byte)).count();
    &text[rest..]
}

/// Returns how many bytes at the end of `text` belong to an incomplete UTF-8 character.
fn incomplete_character(text: &[u8]) -> usize {
    for length in 1..=text.len().min(3) {
        let needed = match text[text.len() - length] {
            0b1000_0000..=0b1011_1111 => continue,
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            _ => 1,
        };
        return if needed > length { length } else { 0 };
    }
    0
}

/// Returns how many bytes at the end of `text` belong to an incomplete escape sequence (ECMA-48, 5.4).
fn incomplete_sequence(text: &[u8]) -> usize {
    let window = &text[text.len().saturating_sub(MAX_SEQUENCE_BYTES)..];
    let Some(begin) = memrchr(0x1b, window) else { return 0 };
    let sequence = &window[begin..];
    let is_complete = match sequence.get(1) {
        None => false,
        Some(b'[') => sequence[2..].iter().any(|byte| (0x40..=0x7e).contains(byte)),
        Some(b']') => sequence[2..].contains(&0x07),
        Some(_) => true,
    };
    if is_complete { 0 } else { sequence.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_ends_before_what_would_be_cut_in_two() {
        let text = "a\u{e9}\u{ae38}\u{1f600}b\x1b[31mred\x1b[0m";
        let bytes = text.as_bytes();
        for limit in 1..=bytes.len() {
            let part = prefix(bytes, limit);
            let part = std::str::from_utf8(part).unwrap_or_else(|_| panic!("{limit}: inside of a character"));
            assert!(!part.is_empty() && part.len() <= limit && limit - part.len() < 5, "{limit}: {part:?}");
            let colours = part.replace("\x1b[31m", "").replace("\x1b[0m", "");
            assert!(!colours.contains('\x1b'), "{limit}: inside of a sequence");
        }
    }

    #[test]
    fn prefix_of_bytes_that_are_no_text_is_as_long_as_it_may_be() {
        for text in [[0x80; 9], [0xff; 9], [0xe3; 9], [0x1b; 9]] {
            assert!(prefix(&text, 5).len() >= 4, "{text:?}");
            assert!(!prefix(&text, 1).is_empty(), "{text:?}");
        }
        assert_eq!(prefix(&[b"\x1b[".as_slice(), &[b'1'; 99]].concat(), 90).len(), 90, "no sequence is so long");
    }

    #[test]
    fn rest_of_a_character_is_left_out_at_the_beginning() {
        let text = "\u{ae38}a".as_bytes();
        assert_eq!(without_rest_of_character(&text[1..]), b"a");
        assert_eq!(without_rest_of_character(text), text);
        assert_eq!(without_rest_of_character(&[0x80; 9]).len(), 6);
    }
}
