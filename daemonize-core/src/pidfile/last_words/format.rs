//! The format of a file of last words.
//!
//! ```text
//! last words of a daemon
//! pid 4711
//! warning failed to reopen stdout `/var/log/web.log`: permission denied; it stays where it was
//! reloaded 81234567890123 failed
//! ended 4 the body failed: no such table
//! ```
//!
//! Every line except the first is optional; each text is one line, escaped. The status of a daemon that called `exit(3)`, or was
//! aborted by a panic, is not known: `ended ? …`. The warning is the reason for a reload that `failed`; the other result is `ok`.

use crate::escape::escape_bytes;
use crate::pid::Pid;
use std::borrow::Cow;

/// The size limit of the file, in bytes. This library never writes a longer file.
pub(super) const LIMIT: usize = 4096;

/// The first line. A file without it is neither replaced nor removed.
pub(super) const HEADER: &str = "last words of a daemon\n";

/// The size limit of one text, in bytes, chosen so that both texts and their prefixes fit into [`LIMIT`].
const TEXT_LIMIT: usize = 1900;

/// The result of a reload whose handlers have all succeeded.
const RELOAD_SUCCEEDED: &str = "ok";

/// The end of a truncated text.
const ELLIPSIS: &str = " …";

/// The statement of a daemon about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The daemon; `None` until it has written the file.
    pub(crate) pid: Option<Pid>,
    /// A failure that did not end the daemon.
    pub(crate) warning: Option<String>,
    /// The last reload of the running daemon.
    pub(crate) reload: Option<ReloadReceipt>,
    pub(crate) end: Option<ExitReport>,
}

/// A reload that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReloadReceipt {
    /// When its handlers began, in nanoseconds of `CLOCK_MONOTONIC` (`clock_gettime(2)`).
    pub(crate) began: u64,
    /// `false` if a log file was not reopened, or a handler failed.
    pub(crate) succeeded: bool,
}

/// How a daemon ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExitReport {
    /// The exit status; `None` if the program called `exit(3)` itself, or a panic aborted it.
    pub(crate) status: Option<u8>,
    /// The error; empty after success.
    pub(crate) text: String,
}

impl Statement {
    /// Returns the content of the file.
    pub(super) fn print(&self) -> String {
        let mut content = HEADER.to_owned();
        let mut line = |word: &str, rest: &str| content.extend([word, " ", rest, "\n"]);
        if let Some(pid) = self.pid {
            line("pid", &format!("{pid}"));
        }
        if let Some(warning) = &self.warning {
            line("warning", &one_line(warning.as_bytes()));
        }
        if let Some(ReloadReceipt { began, succeeded }) = &self.reload {
            line("reloaded", &format!("{began} {}", if *succeeded { RELOAD_SUCCEEDED } else { "failed" }));
        }
        if let Some(ExitReport { status, text }) = &self.end {
            let status = status.map_or_else(|| "?".to_owned(), |status| status.to_string());
            line("ended", &format!("{status} {}", one_line(text.as_bytes())));
        }
        content
    }

    /// Parses a file, which may contain anything: the texts are escaped and truncated again. Returns `None` if this library has
    /// not written it.
    pub(super) fn parse(content: &[u8]) -> Option<Statement> {
        let rest = content.strip_prefix(HEADER.as_bytes()).filter(|_| content.len() <= LIMIT)?;
        let mut statement = Statement::default();
        for line in rest.split(|byte| *byte == b'\n') {
            let (word, value) = split(line);
            match word {
                b"pid" => statement.pid = number(value).and_then(Pid::from_raw),
                b"warning" => statement.warning = Some(one_line(value)),
                b"reloaded" => {
                    let (began, result) = split(value);
                    let receipt = |began| ReloadReceipt { began, succeeded: result == RELOAD_SUCCEEDED.as_bytes() };
                    statement.reload = number(began).map(receipt);
                }
                b"ended" => {
                    let (status, text) = split(value);
                    statement.end = Some(ExitReport { status: number(status), text: one_line(text) });
                }
                _ => {}
            }
        }
        Some(statement)
    }
}

fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|byte| *byte == b' ');
    end.map_or((line, &[]), |end| (&line[..end], &line[end + 1..]))
}

fn number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Joins the lines with spaces, escapes control characters, and truncates the text to [`TEXT_LIMIT`].
fn one_line(bytes: &[u8]) -> String {
    let joined: Vec<u8> = bytes.iter().take(LIMIT).map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
    let text = match escape_bytes(joined.trim_ascii()) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    };
    if text.len() <= TEXT_LIMIT {
        return text;
    }
    let end = (0..=TEXT_LIMIT - ELLIPSIS.len()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}{ELLIPSIS}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escape::is_escaped;
    use proptest::prelude::*;

    fn statement(warning: &str, status: Option<u8>, text: &str) -> Statement {
        let end = Some(ExitReport { status, text: text.to_owned() });
        let reload = Some(ReloadReceipt { began: u64::MAX, succeeded: false });
        Statement { pid: Pid::from_raw(4711), warning: Some(warning.to_owned()), reload, end }
    }

    #[test]
    fn printed_statement_is_parsed() {
        for statement in [
            Statement::default(),
            statement("the log is gone", Some(4), "the body failed: no such table"),
            statement("", None, ""),
        ] {
            assert_eq!(Statement::parse(statement.print().as_bytes()), Some(statement));
        }
    }

    #[test]
    fn file_of_others_is_not_a_statement() {
        for content in [&b""[..], b"last words", b"4711\n", b"\0\0\0\0"] {
            assert_eq!(Statement::parse(content), None);
        }
        assert_eq!(Statement::parse(&[HEADER.as_bytes(), &[b' '; LIMIT]].concat()), None);
    }

    #[test]
    fn line_end_in_a_text_does_not_forge_a_line() {
        let printed = statement("gone\npid 1", Some(4), "first\nended 0 well").print();
        assert_eq!(printed.lines().count(), 5, "{printed}");
        assert_eq!(Statement::parse(printed.as_bytes()).unwrap().pid, Pid::from_raw(4711));
    }

    proptest! {
        // Long texts take long to make.
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Promise 5.18.
        #[test]
        fn statement_of_any_texts_is_short_and_escaped(warning in "\\PC{0,3000}", text in "(\\p{Cc}|ä|\u{202e}){0,3000}") {
            let printed = statement(&warning, Some(4), &text).print();
            prop_assert!(printed.len() <= LIMIT, "{}", printed.len());
            let parsed = Statement::parse(printed.as_bytes()).unwrap();
            prop_assert_eq!(parsed.print(), printed);
            prop_assert!(!parsed.end.unwrap().text.contains(is_escaped));
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let content = [HEADER.as_bytes(), b"ended 4 ", &bytes].concat();
            let parsed = Statement::parse(&content).unwrap();
            prop_assert!(!parsed.print().replace('\n', "").contains(is_escaped));
        }
    }
}
