//! Reads an ecosystem file: JSON, or JavaScript that consists of literals. No code is executed: what is not a literal is an
//! error with its place.

use super::super::source::{SourceError, SourceFile};
use jsonc_parser::ParseOptions;
use serde_json::Value;

/// The way to import a file with code in it.
const RUN_IT: &str = "only literals are read, and no code is executed: pipe `node -p 'JSON.stringify(require(\"./ecosystem.config.js\"))'` into `daemonctl import -`";

/// The deepest nesting of objects and lists.
const MAX_DEPTH: usize = 32;

/// The beginnings of a module that exports one object.
const EXPORTS: &[&str] = &["module.exports", "exports.default", "export default"];

/// Returns the value of an ecosystem file.
///
/// # Errors
/// Something in the file is not a literal.
pub(super) fn read(file: &SourceFile) -> Result<Value, SourceError> {
    let scanner = Scanner { file, rest: &file.text, json: String::new(), quotes: Vec::new(), depth: 0 };
    let (json, quotes) = scanner.scan()?;
    let value = jsonc_parser::parse_to_serde_value(&json, &ParseOptions::default()).map_err(|error| {
        let cause = error.kind().to_string().to_lowercase();
        let at = error.range().start;
        let line = json[..at].rfind('\n').map_or(0, |end| end + 1);
        let added = quotes.iter().filter(|quote| (line..at).contains(*quote)).count();
        file.error_at(error.line_display(), error.column_display() - added, format!("{cause}: {RUN_IT}"))
    })?;
    value.ok_or_else(|| file.error(0, "it is empty"))
}

/// Turns the text of a module into JSON with comments, with the same lines: without what exports it, and with texts in backticks
/// and names quoted.
struct Scanner<'a> {
    file: &'a SourceFile,
    rest: &'a str,
    json: String,
    /// The places in `json` of the quotes that were added around names.
    quotes: Vec<usize>,
    depth: usize,
}

impl Scanner<'_> {
    /// Returns the JSON, and the places of added quotes in it.
    fn scan(mut self) -> Result<(String, Vec<usize>), SourceError> {
        self.exports()?;
        while let Some(letter) = self.rest.chars().next() {
            match letter {
                '"' | '\'' => self.quoted(letter)?,
                '`' => self.template()?,
                '{' | '[' => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(self.error("it is nested too deeply"));
                    }
                    self.copy(1);
                }
                '}' | ']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.copy(1);
                }
                // The end of the statement; a further one is an error of JSON.
                ';' if self.depth == 0 => self.skip(1),
                _ if is_of_word(letter) => self.word(),
                _ => {
                    let length = comment(self.rest).unwrap_or(letter.len_utf8());
                    self.copy(length);
                }
            }
        }
        Ok((self.json, self.quotes))
    }

    /// Skips what stands before the exported object: comments, `"use strict"`, and `module.exports =`.
    fn exports(&mut self) -> Result<(), SourceError> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.copy(blank);
            if let Some(length) = comment(self.rest) {
                self.copy(length);
                continue;
            }
            let strict = ["'use strict'", "\"use strict\""].iter().find(|strict| self.rest.starts_with(**strict));
            if let Some(strict) = strict {
                self.skip(strict.len());
                self.skip(usize::from(self.rest.starts_with(';')));
                continue;
            }
            break;
        }
        let Some(export) = EXPORTS.iter().find(|export| self.rest.starts_with(**export)) else {
            return match self.rest.chars().next() {
                Some('{' | '[') => Ok(()),
                None => Err(self.error("it is empty")),
                Some(_) => Err(self.error(format!("this is code: {RUN_IT}"))),
            };
        };
        self.skip(export.len());
        let blank = self.rest.len() - self.rest.trim_start().len();
        self.copy(blank);
        if !export.starts_with("export ") {
            if !self.rest.starts_with('=') {
                return Err(self.error(format!("this is code: {RUN_IT}")));
            }
            self.skip(1);
        }
        Ok(())
    }

    /// Copies a word, in quotes if it is a name.
    fn word(&mut self) {
        let length = self.rest.find(|letter| !is_of_word(letter)).unwrap_or(self.rest.len());
        if !self.rest[length..].trim_start().starts_with(':') {
            return self.copy(length);
        }
        self.quote();
        self.copy(length);
        self.quote();
    }

    fn quote(&mut self) {
        self.quotes.push(self.json.len());
        self.json.push('"');
    }

    /// Copies a text in quotes.
    fn quoted(&mut self, quote: char) -> Result<(), SourceError> {
        let mut escaped = false;
        for (at, letter) in self.rest.char_indices().skip(1) {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if letter == quote => {
                    self.copy(at + 1);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(self.error("this text has no end"))
    }

    /// Copies a text in backticks as one in quotes.
    fn template(&mut self) -> Result<(), SourceError> {
        let body = &self.rest[1..];
        let (mut quoted, mut letters) = (String::from("\""), body.char_indices());
        while let Some((at, letter)) = letters.next() {
            match letter {
                '`' => {
                    quoted.push('"');
                    // The lines of the text follow it, so that errors below keep their lines.
                    quoted.extend(body[..at].chars().filter(|letter| *letter == '\n'));
                    self.json.push_str(&quoted);
                    self.rest = &body[at + 1..];
                    return Ok(());
                }
                '$' if body[at..].starts_with("${") => {
                    self.skip(1 + at);
                    return Err(self.error(format!("this text is computed: {RUN_IT}")));
                }
                '\\' => match letters.next() {
                    Some((_, next @ ('`' | '$'))) => quoted.push(next),
                    Some((_, '\n')) => {}
                    Some((_, next)) => quoted.extend(['\\', next]),
                    None => break,
                },
                '"' => quoted.push_str("\\\""),
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                _ => quoted.push(letter),
            }
        }
        Err(self.error("this text has no end"))
    }

    fn copy(&mut self, length: usize) {
        self.json.push_str(&self.rest[..length]);
        self.rest = &self.rest[length..];
    }

    /// Leaves blanks for what is skipped, so that errors keep their columns.
    fn skip(&mut self, length: usize) {
        self.json.extend(self.rest[..length].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
        self.rest = &self.rest[length..];
    }

    /// Returns an error at the place that is read.
    fn error(&self, text: impl Into<String>) -> SourceError {
        let read = &self.file.text[..self.file.text.len() - self.rest.len()];
        let line = read.matches('\n').count() + 1;
        let column = read.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.file.error_at(line, column, text)
    }
}

/// Returns `true` for a letter of names, numbers and words such as `null`.
fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

/// Returns the length of a comment at the beginning of a text.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.strip_prefix("/*").map(|body| body.find("*/").map_or(text.len(), |end| end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(text: &str) -> Result<Value, String> {
        read(&SourceFile::of_text("e.js", text)).map_err(|error| error.to_string())
    }

    #[test]
    fn literals_of_javascript_are_read() {
        let text = "// @ts-check\n'use strict';\n/* a\n b */\nmodule.exports = {\n  apps: [{\n    name: 'a\\'b', // }\n    exec_mode : 'fork', $x1: 2,\n    \"args\": `x \"y\"\n\\`z\\``,\n    n: -1.5e3, t: true, z: null,\n  },],\n};\n";
        let app = json!({ "name": "a'b", "exec_mode": "fork", "$x1": 2, "args": "x \"y\"\n`z`", "n": -1500.0, "t": true, "z": null });
        assert_eq!(value(text), Ok(json!({ "apps": [app] })));
        assert_eq!(value("export default { apps: [] }"), Ok(json!({ "apps": [] })));
        assert_eq!(value("[{\"script\": \"a;b\"}]"), Ok(json!([{ "script": "a;b" }])));
    }

    #[test]
    fn code_is_an_error_with_its_place() {
        for (text, place) in [
            ("const x = 1;\nmodule.exports = {}", "e.js:1:1: this is code"),
            ("module.exports = {\n  apps: [{ name: process.env.X }]\n}", "e.js:2:18: "),
            ("module.exports = {\n  a: `b\n${c}` }", "e.js:3:1: this text is computed"),
            ("module.exports = { a: 'x' + 'y' }", "e.js:1:27: "),
            ("module.exports = { ...base }", "e.js:1:20: "),
            ("module.exports = {};\nrequire('x')", "e.js:2:1: "),
            ("module.exports = () => ({})", "e.js:1:18: "),
            ("module.exports = { a: 'x", "e.js:1:23: this text has no end"),
        ] {
            let error = value(text).unwrap_err();
            assert!(error.starts_with(place), "{text}: {error}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(value(&deep).unwrap_err().contains("nested too deeply"));
    }
}
