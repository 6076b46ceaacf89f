//! The number of lines that `logs` prints.

/// The number of lines that `logs` prints before it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineCount {
    /// The last lines, at most this many.
    Last(u64),
    /// All lines.
    All,
}

impl LineCount {
    /// Parses a number, or `all`.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn parse(text: &str) -> Result<LineCount, String> {
        match text {
            "all" => Ok(LineCount::All),
            _ => text.parse().map(LineCount::Last).map_err(|_| "not a number of lines, and not `all`".to_owned()),
        }
    }
}
