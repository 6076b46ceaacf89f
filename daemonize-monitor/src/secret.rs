//! Random secrets that identify the processes of a monitor or a bot. Other users cannot guess them or read them in `/proc`.

use std::{io, str};

/// The digits of a secret.
const DIGITS: usize = 32;

/// A random number of 128 bits, as 32 hexadecimal digits. They are kept without an allocation: each bot has a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Secret([u8; DIGITS]);

impl Secret {
    /// Generates a secret with `getrandom(2)`.
    ///
    /// # Errors
    /// The kernel gives no random numbers (`getrandom(2)`).
    pub(crate) fn random() -> io::Result<Secret> {
        let mut digits = [0; DIGITS];
        getrandom::fill(&mut digits)?;
        for digit in &mut digits {
            *digit = b"0123456789abcdef"[usize::from(*digit % 16)];
        }
        Ok(Secret(digits))
    }

    /// Returns the secret that was written down as `text`; `None` if that is not one.
    pub(crate) fn parse(text: &str) -> Option<Secret> {
        let digits: [u8; DIGITS] = text.as_bytes().try_into().ok()?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        digits.into_iter().all(is_digit).then_some(Secret(digits))
    }

    /// Returns the digits.
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
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
