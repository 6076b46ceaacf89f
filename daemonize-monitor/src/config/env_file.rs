//! Parses an environment file: `NAME=VALUE` lines, as of `docker --env-file` and systemd's `EnvironmentFile=`. Nothing in it is
//! expanded or executed.
//!
//! A line about which the two formats disagree is refused, so that no program gets another value than its author meant.

use crate::bot::is_variable;

/// The longest variable with its name, in bytes: `execve(2)` refuses longer ones (`MAX_ARG_STRLEN`).
const MAX_VARIABLE_LENGTH: usize = 128 * 1024 - 2;

/// A mistake in the file: its offset in bytes, and the message.
pub(super) type EnvFileError = (usize, String);

/// Returns the variables of a file, in its order; of two with one name, the later one counts.
///
/// # Errors
/// All mistakes in it.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, Vec<EnvFileError>> {
    let (mut variables, mut mistakes) = (Vec::new(), Vec::new());
    let mut parser = EnvFileParser { text, at: 0 };
    while let Some(found) = parser.next_assignment() {
        match found {
            Ok(variable) => variables.push(variable),
            Err(mistake) => {
                mistakes.push(mistake);
                parser.skip_line();
            }
        }
    }
    if mistakes.is_empty() { Ok(variables) } else { Err(mistakes) }
}

struct EnvFileParser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> EnvFileParser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Returns the rest of the line, without its end.
    fn line(&self) -> &'t str {
        let rest = self.rest();
        rest.split('\n').next().unwrap_or(rest)
    }

    fn skip_line(&mut self) {
        self.at = (self.at + self.line().len() + 1).min(self.text.len());
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    /// Parses the next line that is neither empty nor a comment; `None` at the end.
    fn next_assignment(&mut self) -> Option<Result<(String, String), EnvFileError>> {
        loop {
            self.at += self.rest().len() - self.rest().trim_start().len();
            match self.rest().chars().next()? {
                '#' | ';' => self.skip_line(),
                _ => return Some(self.assignment()),
            }
        }
    }

    fn assignment(&mut self) -> Result<(String, String), EnvFileError> {
        let start = self.at;
        let line = self.line();
        let Some((name, _)) = line.split_once('=') else {
            return Err((start, "this is not a variable: write `NAME=VALUE`".into()));
        };
        // The text itself is not repeated: it may be a part of a secret that spans lines.
        if name.starts_with("export ") {
            return Err((start, "the file is not a shell script: write `NAME=VALUE` without `export`".into()));
        }
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let has_plain_name = name.chars().all(is_plain) && !name.starts_with(|letter: char| letter.is_ascii_digit());
        if !has_plain_name || !is_variable(name.as_ref()) {
            let text = "this is not the name of a variable: write letters, digits and `_` before the `=`, and a value of several \
                        lines in quotes";
            return Err((start, text.into()));
        }
        self.at += name.len() + 1;
        self.skip_blanks();
        let at_value = self.at;
        let value = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.unquoted()?,
        };
        if value.contains('\0') {
            return Err((at_value, format!("`{name}` holds a NUL character, which no program can be given")));
        }
        if name.len() + value.len() > MAX_VARIABLE_LENGTH {
            return Err((at_value, format!("`{name}` is longer than 128 KiB, which no program can be given")));
        }
        Ok((name.to_owned(), value))
    }

    /// Parses a value without quotes: the rest of the line as it is, but without the blanks at its end.
    fn unquoted(&mut self) -> Result<String, EnvFileError> {
        let value = self.line().trim_end();
        if value.ends_with('\\') {
            let text = "a `\\` at the end of a line means itself for Docker, and to systemd that the line goes on: write the \
                        value in quotes";
            return Err((self.at, text.into()));
        }
        self.skip_line();
        Ok(value.to_owned())
    }

    /// Parses a value in quotes, which may hold several lines. Within double quotes, a backslash is removed before `"`, `\`,
    /// `$`, `` ` `` and the end of a line, which is removed too, as in a shell.
    fn quoted(&mut self, quote: char) -> Result<String, EnvFileError> {
        let start = self.at;
        let mut value = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((index, letter)) = letters.next() {
            if letter == quote {
                self.at = start + index + 1;
                return self.end_of_quotes().map(|()| value);
            }
            if letter != '\\' || quote == '\'' {
                value.push(letter);
                continue;
            }
            match letters.next() {
                Some((_, '\n')) => {}
                Some((_, escaped @ ('"' | '\\' | '$' | '`'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            }
        }
        Err((start, format!("the quote has no end: write a `{quote}` after the value")))
    }

    fn end_of_quotes(&mut self) -> Result<(), EnvFileError> {
        if !self.line().trim().is_empty() {
            return Err((self.at, "there is more after the quotes: write all of the value within them".into()));
        }
        self.skip_line();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn variables(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"))
    }

    #[test]
    fn values_are_read_as_docker_and_systemd_read_them() {
        for (text, value) in [
            ("A=b", "b"),
            ("A=", ""),
            ("A= b c \r\n", "b c"),
            ("  A=b # no comment", "b # no comment"),
            ("A=$HOME `id` ${X}", "$HOME `id` ${X}"),
            ("A=C:\\dir\\x", "C:\\dir\\x"),
            ("A='b \" \\ $X'", "b \" \\ $X"),
            ("A=\"b \\\" \\\\ \\$X \\n '\"  ", "b \" \\ $X \\n '"),
            ("A=\"-----BEGIN\nabc=\n-----END\"\n", "-----BEGIN\nabc=\n-----END"),
            ("A=\"one \\\ntwo\"", "one two"),
            ("A='é'\n# c\n\n; c", "é"),
            ("A=b=c", "b=c"),
            ("A=it's", "it's"),
        ] {
            assert_eq!(variables(text), [("A".to_owned(), value.to_owned())], "{text}");
        }
        assert_eq!(variables("# c\nA=1\nB=2\nA=3").len(), 3);
        assert_eq!(variables("\n \n"), []);
    }

    #[test]
    fn mistakes_are_found_at_their_offsets() {
        let long = format!("A={}", "x".repeat(128 * 1024));
        for (text, at, fix) in [
            ("A", 0, "write `NAME=VALUE`"),
            ("A=1\n  export B=2\nC=3", 6, "write `NAME=VALUE` without `export`"),
            ("A B=1", 0, "not the name of a variable"),
            ("1A=1", 0, "not the name of a variable"),
            ("=1", 0, "not the name of a variable"),
            ("A=\"b\nc", 2, "the quote has no end"),
            ("A='b\\'c'", 6, "more after the quotes"),
            ("A=\"b\\", 2, "the quote has no end"),
            ("A=b\\\nc", 2, "in quotes"),
            ("A=a\0b", 2, "NUL"),
            (&long, 2, "longer than 128 KiB"),
        ] {
            let mistakes = parse(text).unwrap_err();
            assert!(mistakes[0].0 == at && mistakes[0].1.contains(fix), "{text}: {mistakes:?}");
        }
        assert_eq!(parse("a b\nc d\nE=1").unwrap_err().len(), 2);
    }

    #[test]
    fn mistakes_repeat_no_part_of_a_secret() {
        let told = parse("KEY=-----BEGIN\nMIIE/hidden+x==\nhidden\nexport hidden=hidden\nA='hidden\n").unwrap_err();
        assert!(told.len() == 4 && !told.iter().any(|(_, text)| text.contains("hidden")), "{told:?}");
    }
}
