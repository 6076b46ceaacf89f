//! Splits commands into words as a shell does, without executing one.
//!
//! Crates that split words drop the rest after a `#`, and do not say which words a shell would change; both matters here.

/// The words of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SplitCommand {
    pub(super) words: Vec<String>,
    /// `true` if a shell would do more than to split and unquote: variables, patterns, pipes and the like.
    pub(super) needs_shell: bool,
    /// `true` if the command is more than one: `a && b`, `a | b`, `(a)`, `a; b`.
    pub(super) is_compound: bool,
}

/// Splits a command into words, as Python's `shlex.split` does.
///
/// # Errors
/// A quote is not closed, or a backslash ends the text.
pub(super) fn split(text: &str) -> Result<SplitCommand, String> {
    let mut found = SplitCommand::default();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\n' | '\r' => found.words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                single_quoted(&mut letters, word)?;
            }
            '"' => {
                let word = word.get_or_insert_default();
                found.needs_shell |= double_quoted(&mut letters, word)?;
            }
            '\\' => {
                let next = letters.next().ok_or("a backslash ends it")?;
                word.get_or_insert_default().push(next);
            }
            _ => {
                found.note(letter, word.as_deref());
                word.get_or_insert_default().push(letter);
            }
        }
    }
    found.words.extend(word);
    found.needs_shell |= found.is_compound || found.words.first().is_some_and(|first| is_assignment(first));
    Ok(found)
}

impl SplitCommand {
    /// Notes an unquoted character that means something to a shell.
    fn note(&mut self, letter: char, word: Option<&str>) {
        self.is_compound |= matches!(letter, '|' | '&' | ';' | '(' | ')' | '{' | '}');
        self.needs_shell |= matches!(letter, '$' | '`' | '*' | '?' | '[' | '<' | '>' | '!');
        self.needs_shell |= matches!(letter, '~' | '#') && word.is_none();
    }
}

fn single_quoted(letters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    loop {
        match letters.next().ok_or("a single quote is not closed")? {
            '\'' => return Ok(()),
            letter => word.push(letter),
        }
    }
}

/// Returns `true` if a shell would expand something within.
fn double_quoted(letters: &mut std::str::Chars<'_>, word: &mut String) -> Result<bool, String> {
    const OPEN: &str = "a double quote is not closed";
    let mut expands = false;
    loop {
        match letters.next().ok_or(OPEN)? {
            '"' => return Ok(expands),
            '\\' => match letters.next().ok_or(OPEN)? {
                letter @ ('"' | '\\' | '$' | '`') => word.push(letter),
                letter => word.extend(['\\', letter]),
            },
            letter => {
                expands |= matches!(letter, '$' | '`');
                word.push(letter);
            }
        }
    }
}

/// Returns `true` for `NAME=value`.
pub(super) fn is_assignment(word: &str) -> bool {
    let plain = |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && plain(name) && !name.starts_with(|letter: char| letter.is_ascii_digit())
    })
}

/// Words that a shell does itself, before which `exec` means nothing or another thing.
const SHELL_WORDS: &[&str] = &[
    "exec", "cd", "export", "set", "source", ".", "eval", "if", "for", "while", "until", "case", "trap", "ulimit",
    "umask", "unset", "wait", "exit", "time", "!", ":", "command", "[[", "read", "return", "shift",
];

/// Returns a command for `sh -c`, with `exec` before its program if it is a single one, so that no shell stays beside it.
pub(super) fn with_exec(text: &str) -> String {
    let text = text.trim();
    let Ok(found) = split(text) else { return text.to_owned() };
    // The last one of a chain, such as `cd app && ./run`, may be executed as well.
    let (before, last) = match text.rsplit_once("&&") {
        Some((before, last)) if found.is_compound => (Some(before), last.trim()),
        _ => (None, text),
    };
    let plain = |part: &str| split(part).is_ok_and(|words| !words.is_compound);
    let is_chain = before.is_none_or(|before| before.split("&&").all(plain));
    let assignments = last.split_whitespace().take_while(|word| is_assignment(word) && plain(word)).count();
    let program = last.split_whitespace().nth(assignments).unwrap_or_default();
    // A quoted assignment may hold spaces: `A="b c" program`.
    let has_quotes = last
        .split_whitespace()
        .take(assignments + 1)
        .any(|word| is_assignment(word) && word.contains(['"', '\'', '\\']));
    if !plain(last) || !is_chain || has_quotes || SHELL_WORDS.contains(&program) || program.is_empty() {
        return text.to_owned();
    }
    let words: Vec<&str> = last.split_whitespace().take(assignments).collect();
    let rest = last.split_whitespace().take(assignments).fold(last, |rest, word| rest[word.len()..].trim_start());
    let assigned = words.iter().flat_map(|word| [*word, " "]).collect::<String>();
    let before = before.map_or_else(String::new, |before| format!("{}&& ", with_space(before)));
    format!("{before}{assigned}exec {rest}")
}

fn with_space(text: &str) -> String {
    format!("{} ", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        let words = |text: &str| split(text).unwrap().words;
        assert_eq!(words("a  'b c' \"d\\\"e\\n\" f\\ g '' #h"), ["a", "b c", "d\"e\\n", "f g", "", "#h"]);
        assert_eq!(words("x\ny\tz"), ["x", "y", "z"]);
        for open in ["'a", "\"a", "a\\", "\"a\\"] {
            assert!(split(open).is_err(), "{open}");
        }
    }

    #[test]
    fn words_that_need_a_shell_are_recognized() {
        for plain in ["a b", "a '$x'", "a \\$x", "a b#c", "a x=y", "a ~", "python -c 'import os; os.x()'"] {
            let found = split(plain).unwrap();
            assert!(!found.needs_shell || plain == "a ~", "{plain}");
        }
        for shell in ["a $x", "a \"$x\"", "a *.y", "a | b", "a && b", "A=1 b", "a > b", "(a)", "a; b", "a `b`", "a ~/b"]
        {
            assert!(split(shell).unwrap().needs_shell, "{shell}");
        }
    }

    #[test]
    fn exec_stands_before_the_last_program() {
        for (text, expected) in [
            ("web -p $PORT", "exec web -p $PORT"),
            ("A=1 B=$C web -p $PORT", "A=1 B=$C exec web -p $PORT"),
            ("A='1 2' web $PORT", "A='1 2' web $PORT"),
            ("cd app && ./run $X", "cd app && exec ./run $X"),
            ("a && b && c -d", "a && b && exec c -d"),
            ("a; b && c", "a; b && c"),
            ("a | b", "a | b"),
            ("a && b | c", "a && b | c"),
            ("exec web $PORT", "exec web $PORT"),
            ("a || b", "a || b"),
            ("! a $X", "! a $X"),
            ("echo 'a && b' $X", "exec echo 'a && b' $X"),
        ] {
            assert_eq!(with_exec(text), expected, "{text}");
        }
    }
}
