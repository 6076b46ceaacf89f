//! The names that a bot, a monitor and a variable of an environment may have.

use std::ffi::OsStr;

/// The longest name, in bytes.
const MAX_NAME_LENGTH: usize = 64;

/// Returns `true` if an environment variable can have this name.
pub(crate) fn is_variable(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.is_empty() && !bytes.contains(&b'=') && !bytes.contains(&0)
}

/// The word that means all bots in commands, which neither a bot nor a group of bots may be called.
pub(crate) const ALL_BOTS: &str = "all";

/// Validates the name of a bot or of a group of bots.
pub(crate) fn check_bot_name(text: &str) -> Result<String, String> {
    match text {
        ALL_BOTS => Err(format!("`{ALL_BOTS}` means all bots in commands: write another name")),
        _ => check_name(text),
    }
}

/// Validates the name of a bot or a monitor, which becomes a part of file names, commands and log lines.
pub(crate) fn check_name(text: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_alphanumeric() || "-_.+@".contains(letter);
    let why = match text.chars().find(|letter| !plain(*letter)) {
        _ if text.is_empty() => "it is empty".to_owned(),
        Some(letter) => format!("{letter:?} cannot be in a name"),
        None if !text.starts_with(char::is_alphanumeric) => "a name begins with a letter or a digit".to_owned(),
        None if text.len() > MAX_NAME_LENGTH => format!("a name has at most {MAX_NAME_LENGTH} bytes"),
        None => return Ok(text.to_owned()),
    };
    Err(format!("{text:?} is not a valid name: {why}; write letters, digits and `-_.+@`"))
}
