//! Words of POSIX shells (`sh(1)`).

use std::ffi::OsString;

/// Quotes one word.
pub(crate) fn word(text: &str) -> String {
    // The only error is a NUL, which was refused before.
    shlex::try_quote(text).map_or_else(|_| String::from("''"), std::borrow::Cow::into_owned)
}

/// Quotes several words, with spaces between them. They are UTF-8, as [`Definition::validate`](crate::definition::Definition::validate) has checked.
pub(crate) fn words(words: &[OsString]) -> String {
    words.iter().map(|text| word(&text.to_string_lossy())).collect::<Vec<_>>().join(" ")
}
