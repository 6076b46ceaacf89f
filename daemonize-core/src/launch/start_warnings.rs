//! The warnings of attachments about a start that succeeds: one line each, of a limited number and length.

/// The number of warnings that are kept.
pub(super) const COUNT_LIMIT: usize = 16;

/// The length of a warning, in bytes.
const LENGTH_LIMIT: usize = 1024;

/// Makes each warning one line, and truncates what is over the limits.
pub(super) fn limit(warnings: &mut Vec<String>) {
    warnings.truncate(COUNT_LIMIT);
    for warning in warnings.iter_mut() {
        let end = (0..=LENGTH_LIMIT.min(warning.len())).rev().find(|end| warning.is_char_boundary(*end));
        warning.truncate(end.unwrap_or(0));
        *warning = warning.replace(['\n', '\r'], " ");
    }
    warnings.retain(|warning| !warning.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_single_lines_and_limited() {
        let mut warnings = vec!["a\nb\r".to_owned(), String::new(), "ä".repeat(LENGTH_LIMIT)];
        warnings.resize(COUNT_LIMIT + 9, "more".to_owned());
        limit(&mut warnings);
        assert_eq!((warnings.len(), warnings[0].as_str()), (COUNT_LIMIT - 1, "a b "));
        assert_eq!(warnings[1], "ä".repeat(LENGTH_LIMIT / 2));
    }
}
