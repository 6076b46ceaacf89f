//! Random secrets that identify the processes of a monitor or a bot. Other users cannot guess them or read them in `/proc`.

use std::fmt::Write as _;
use std::io;

/// The digits of a secret.
const DIGITS: usize = 32;

/// A random number of 128 bits, as 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Generates a secret with `getrandom(2)`.
    ///
    /// # Errors
    /// The kernel gives no random numbers (`getrandom(2)`).
    pub(crate) fn random() -> io::Result<Secret> {
        let mut bytes = [0; DIGITS / 2];
        getrandom::fill(&mut bytes)?;
        let mut text = String::with_capacity(DIGITS);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Secret(text))
    }

    /// Returns the secret that was written down as `text`; `None` if that is not one.
    pub(crate) fn parse(text: &str) -> Option<Secret> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == DIGITS && text.bytes().all(is_digit)).then(|| Secret(text.to_owned()))
    }

    /// Returns the digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_secrets_differ_and_are_parsed_back() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(Secret::parse(one.as_str()), Some(one));
        for text in ["", "0", &"g".repeat(32), &"A".repeat(32), &"0".repeat(31), &"0".repeat(33)] {
            assert_eq!(Secret::parse(text), None, "{text}");
        }
    }
}
