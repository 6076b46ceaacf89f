//! Names that programs invent, made fit to be shown on a terminal, in a page and among metrics.

/// Bytes of a name that are kept.
pub(super) const LONGEST_NAME: usize = 64;

/// Where the names beyond the most are counted. No report is called so: parentheses are the monitor's own.
pub(super) const OTHER: &str = "(other)";

/// What a program says it did is not what the monitor saw.
const REPORTED: &str = "program:";

/// The name with every letter replaced by `?` that could be more than a letter to somebody who shows it, cut to
/// [`LONGEST_NAME`]. A `built_in` name is marked as the program's own word.
pub(super) fn clean(name: &[u8], built_in: bool) -> String {
    let text = String::from_utf8_lossy(&name[..name.len().min(4 * LONGEST_NAME)]);
    let mut cleaned = String::from(if built_in { REPORTED } else { "" });
    for letter in text.chars().map(|letter| if is_harmless(letter) { letter } else { '?' }) {
        if cleaned.len() + letter.len_utf8() > LONGEST_NAME {
            break;
        }
        cleaned.push(letter);
    }
    if cleaned.is_empty() { "?".into() } else { cleaned }
}

fn is_harmless(letter: char) -> bool {
    letter.is_alphanumeric() || "-_.:/@+=,#%*!?".contains(letter)
}
