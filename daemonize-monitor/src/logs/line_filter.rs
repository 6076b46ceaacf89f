//! Filters lines by a regular expression, whose size is limited.

use regex::bytes::{Regex, RegexBuilder};

/// The longest expression.
const MAX_PATTERN_BYTES: usize = 1024;

/// The largest compiled expression, and the largest cache of a search, in bytes. The time of a search is linear in the text and in
/// this size, whatever the expression is.
const MAX_COMPILED_BYTES: usize = 256 * 1024;

/// A regular expression of the syntax of the crate `regex`.
#[derive(Clone, Debug)]
pub(crate) struct LineFilter(Regex);

impl LineFilter {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Returns why the expression is refused: its syntax, or its size.
    pub(crate) fn new(pattern: &str) -> Result<LineFilter, String> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(format!("it is longer than {MAX_PATTERN_BYTES} bytes"));
        }
        let mut builder = RegexBuilder::new(pattern);
        builder.size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES);
        match builder.build() {
            Ok(regex) => Ok(LineFilter(regex)),
            Err(regex::Error::CompiledTooBig(_)) => Err("it means too many texts: write a shorter one".into()),
            Err(error) => {
                Err(error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").into())
            }
        }
    }

    /// Returns `true` if the expression matches anywhere in the line.
    pub(crate) fn matches(&self, line: &[u8]) -> bool {
        self.0.is_match(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 6.60.
    #[test]
    fn expression_that_would_take_long_is_refused_or_linear() {
        for pattern in ["(((a{99}){99}){99}){99}", &"x".repeat(MAX_PATTERN_BYTES + 1), "[", r"\p{L}{1000}"] {
            assert!(LineFilter::new(pattern).is_err(), "{pattern}");
        }
        // An engine that backtracks would take longer than the universe exists.
        let filter = LineFilter::new("(a+)+(a+)+(a+)+$").expect("a filter");
        let begin = std::time::Instant::now();
        assert!(!filter.matches(&[&[b'a'; 16_000][..], b"!"].concat()));
        assert!(begin.elapsed() < std::time::Duration::from_secs(5), "{:?}", begin.elapsed());
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = |pattern| LineFilter::new(pattern).unwrap_err();
        assert_eq!(error("a("), "unclosed group");
        assert!(LineFilter::new(r"(?i)ERROR|\d+ bytes").unwrap().matches(b"\xff 12 bytes"));
    }
}
