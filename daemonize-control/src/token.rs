//! The secret with which a TCP client proves that it may read the daemon's files.

use std::fmt;
use std::hint::black_box;

/// 256 random bits, as 64 hexadecimal digits.
#[derive(Clone)]
pub(crate) struct Token([u8; 64]);

impl Token {
    /// Generates a token with `getrandom(2)`. It is called after the fork, so that no other process knows the token.
    pub(crate) fn random() -> Result<Token, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Token::from_bytes(bytes))
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Token {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Token(text)
    }

    /// Returns `true` if `other` is this token. The comparison takes the same time wherever the first difference is, so that
    /// the time does not reveal the digits.
    pub(crate) fn is_equal(&self, other: &[u8]) -> bool {
        let pairs = self.0.chunks_exact(8).zip(other.chunks_exact(8));
        // `black_box` keeps the compiler from returning at the first difference.
        let difference = pairs.fold(0, |all, (ours, theirs)| black_box(all | (word(ours) ^ word(theirs))));
        other.len() == self.0.len() && difference == 0
    }

    /// Returns the content of the token file: the token and a newline.
    pub(crate) fn line(&self) -> [u8; 65] {
        let mut line = [b'\n'; 65];
        line[..64].copy_from_slice(&self.0);
        line
    }
}

/// Returns eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_ne_bytes)
}

impl fmt::Debug for Token {
    /// Never prints the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
