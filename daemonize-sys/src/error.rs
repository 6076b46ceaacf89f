//! The common form of public errors: a kind to match on, and a text, "failed to \<verb\> `<object>`: \<cause\>".

use crate::escape::into_escaped_lines;
use nix::errno::Errno;
use std::fmt::{self, Debug, Display};
use std::io;

/// The kind and the text of an error. `Debug` prints the text, since a `main` that returns an error prints it with `Debug`.
#[derive(Clone)]
pub struct Failure<K> {
    kind: K,
    text: Box<str>,
}

impl<K: Copy> Failure<K> {
    /// Creates a failure with this text. Control characters except line ends are escaped, since paths and output of other processes
    /// may contain them.
    pub fn new(kind: K, text: impl Into<String>) -> Failure<K> {
        Failure { kind, text: into_escaped_lines(text.into()).into_boxed_str() }
    }

    /// Returns the kind.
    pub fn kind(&self) -> K {
        self.kind
    }

    /// Returns the same failure with `; MORE` after its text.
    #[must_use]
    pub fn and(self, more: &str) -> Failure<K> {
        Failure::new(self.kind, format!("{}; {more}", self.text))
    }
}

impl<K> Display for Failure<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<K> Debug for Failure<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// Returns "failed to \<verb\> `<object>`: \<cause\>".
pub fn failed(verb: &str, object: impl Display, cause: impl Display) -> String {
    format!("failed to {verb} `{object}`: {cause}")
}

/// Returns the text of `strerror(3)`, without Rust's "(os error 2)" and beginning in lower case.
pub fn cause(error: &io::Error) -> String {
    let text = format!("{error}");
    let Some(errno) = error.raw_os_error() else { return text };
    let text = text.strip_suffix(&format!(" (os error {errno})")).unwrap_or(&text);
    let mut text = text.to_owned();
    // ASCII only: the Unicode tables would add 12 KB to every program.
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    text
}

/// Returns the `errno` of an error, if a system call caused it.
pub fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_text_names_verb_object_and_cause_and_is_escaped() {
        let missing = cause(&io::Error::from_raw_os_error(libc::ENOENT));
        let failure = Failure::new(7, failed("open", "/run/a\u{1b}[2J", missing));
        assert_eq!(failure.to_string(), "failed to open `/run/a\\u{1b}[2J`: no such file or directory");
        let failure = failure.and("give it\u{7} another path");
        assert!(failure.to_string().ends_with("no such file or directory; give it\\u{7} another path"));
        assert_eq!((failure.kind(), format!("{failure:?}")), (7, failure.to_string()));
    }

    #[test]
    fn cause_without_errno_is_its_own_text() {
        assert_eq!(cause(&io::Error::other("Lost (os error 2)")), "Lost (os error 2)");
    }
}
