//! Sanitizes the names of events that programs report, for terminals, status pages and metrics.

/// Bytes of a name that are kept.
pub(super) const MAX_NAME_LENGTH: usize = 64;

/// The name under which further names are counted. A reported name cannot contain parentheses.
pub(super) const OTHER: &str = "(other)";

/// The prefix of a reported name that equals a built-in one.
const REPORTED: &str = "program:";

/// Returns the name with each character that a terminal, a page or a metric could interpret replaced by `?`, truncated to
/// [`MAX_NAME_LENGTH`]. A `built_in` name is marked as the program's own word.
pub(super) fn clean(name: &[u8], built_in: bool) -> String {
    let text = String::from_utf8_lossy(&name[..name.len().min(4 * MAX_NAME_LENGTH)]);
    let mut cleaned = String::from(if built_in { REPORTED } else { "" });
    for letter in text.chars().map(|letter| if is_harmless(letter) { letter } else { '?' }) {
        if cleaned.len() + letter.len_utf8() > MAX_NAME_LENGTH {
            break;
        }
        cleaned.push(letter);
    }
    if cleaned.is_empty() { "?".into() } else { cleaned }
}

fn is_harmless(letter: char) -> bool {
    letter.is_alphanumeric() || "-_.:/@+=,#%*!?".contains(letter)
}
