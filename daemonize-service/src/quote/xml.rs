//! Text of XML documents.

/// Escapes the text of an element.
pub(crate) fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns text for a comment, in which `--` is not allowed.
pub(crate) fn comment(text: &str) -> String {
    text.replace("--", "- -")
}
