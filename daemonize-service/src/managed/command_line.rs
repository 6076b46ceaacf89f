//! The command lines of service managers' tools: to be shown, or to be run as the right user.

use daemonize_sys::escape::{escape_bytes, is_escaped};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// A command line whose first word is the name of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// The tool's name, without a directory.
    pub(crate) tool: &'static str,
    /// The arguments.
    pub(crate) arguments: Vec<OsString>,
    /// The user and group that run it, if this process has to become them first.
    pub(crate) user: Option<(u32, u32)>,
}

impl CommandLine {
    /// Returns a command line of this user.
    pub(crate) fn new(tool: &'static str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> CommandLine {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        CommandLine { tool, arguments, user: None }
    }

    /// Returns the words, to be printed or run by hand.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let mut words = vec![OsString::from(self.tool)];
        words.extend(self.arguments.iter().cloned());
        words
    }
}

/// Returns words as one line for a shell. A word that no terminal may show is escaped, and cannot be copied.
pub(crate) fn shown(words: &[OsString]) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        match word.to_str().filter(|text| !text.contains(is_escaped)) {
            Some(text) if is_plain(text) => line.push_str(text),
            // The only error is a NUL, which no argument can have.
            Some(text) => line.push_str(&shlex::try_quote(text).unwrap_or_default()),
            None => line.push_str(&escape_bytes(word.as_bytes())),
        }
    }
    line
}

/// Returns `true` for a word that no shell takes apart. Names of units have an `@`, which shlex would quote.
fn is_plain(word: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@=".contains(&byte);
    word.starts_with(|first: char| first != '=') && word.bytes().all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_command_line_can_be_copied_and_drives_no_terminal() {
        let line = CommandLine::new("sv", ["stop", "/srv/it's here", "--", "a\x1b[2J", "*", "web@a.service", ""]);
        assert_eq!(shown(&line.words()), "sv stop \"/srv/it's here\" -- a\\u{1b}[2J '*' web@a.service ''");
    }
}
