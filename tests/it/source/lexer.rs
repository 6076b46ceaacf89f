//! Tells code, comments and literals of a Rust source file apart.

/// A block of adjacent line comments of one kind, or one block comment.
#[derive(Debug, PartialEq)]
pub(crate) struct Comment {
    /// The line on which the comment begins, counted from 1.
    pub(crate) line: usize,
    /// `//`, `///`, `//!` or `/*`.
    pub(crate) marker: &'static str,
    /// The lines without their markers.
    pub(crate) lines: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// Returns the source with comments and literals blanked; line and column of the code stay the same.
pub(crate) fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    for (kind, token) in tokens(source) {
        match kind {
            Kind::Code => code.push_str(token),
            Kind::Comment | Kind::Literal => {
                code.extend(token.chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
            }
        }
    }
    code
}

/// Returns the comments. Line comments with the same marker in adjacent lines are one comment, unless code precedes them.
pub(crate) fn comments(source: &str) -> Vec<Comment> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found: Vec<Comment> = Vec::new();
    for (line, token) in lines_of(source, Kind::Comment) {
        let marker = ["//!", "///", "//", "/*"].into_iter().find(|marker| token.starts_with(marker)).unwrap_or("//");
        let text = token[marker.len()..].trim();
        let follows_code = !lines[line - 1].trim_start().starts_with(marker);
        match found.last_mut() {
            Some(last) if !follows_code && last.marker == marker && last.line + last.lines.len() == line => {
                last.lines.push(text.to_owned());
            }
            _ => found.push(Comment {
                line,
                marker,
                lines: text.split('\n').map(|line| line.trim().to_owned()).collect(),
            }),
        }
    }
    found
}

/// Returns the string and character literals, each with the line on which it begins.
pub(crate) fn literals(source: &str) -> Vec<(usize, String)> {
    lines_of(source, Kind::Literal).map(|(line, token)| (line, token.to_owned())).collect()
}

/// Returns the identifiers and keywords of a piece of code.
pub(crate) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

/// Returns the tokens of one kind with the lines on which they begin.
fn lines_of(source: &str, wanted: Kind) -> impl Iterator<Item = (usize, &str)> {
    let mut line = 1;
    tokens(source).filter_map(move |(kind, token)| {
        let begin = line;
        line += token.matches('\n').count();
        (kind == wanted).then_some((begin, token))
    })
}

/// Splits the source into comments, literals and single letters of code.
fn tokens(source: &str) -> impl Iterator<Item = (Kind, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = source[at..].chars().next()?;
        let (kind, length) = token(&source[at..], first, source[..at].chars().next_back());
        at += length;
        Some((kind, &source[at - length..at]))
    })
}

/// Returns the kind and the length of the token with which the source begins.
fn token(source: &str, first: char, before: Option<char>) -> (Kind, usize) {
    let in_a_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    match first {
        '/' if source.starts_with("//") => (Kind::Comment, source.find('\n').unwrap_or(source.len())),
        '/' if source.starts_with("/*") => (Kind::Comment, block_comment(source)),
        '"' => (Kind::Literal, string(source)),
        'r' if !in_a_word && raw_string(source).is_some() => (Kind::Literal, raw_string(source).unwrap_or(1)),
        '\'' => character(source).map_or((Kind::Code, 1), |length| (Kind::Literal, length)),
        _ => (Kind::Code, first.len_utf8()),
    }
}

fn block_comment(source: &str) -> usize {
    let mut depth = 0;
    let bytes = source.as_bytes();
    for index in 0..bytes.len() {
        match bytes.get(index..index + 2) {
            Some(b"/*") => depth += 1,
            Some(b"*/") if depth == 1 => return index + 2,
            Some(b"*/") => depth -= 1,
            _ => {}
        }
    }
    source.len()
}

fn string(source: &str) -> usize {
    let mut escaped = false;
    for (index, letter) in source.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    source.len()
}

fn raw_string(source: &str) -> Option<usize> {
    let hashes = source[1..].chars().take_while(|letter| *letter == '#').count();
    let begin = source[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(2 + hashes + begin.find(&end).map_or(begin.len(), |index| index + end.len()))
}

/// Returns the length of a character literal, `None` for a lifetime.
fn character(source: &str) -> Option<usize> {
    let mut letters = source.char_indices().skip(1);
    let (_, first) = letters.next()?;
    if first == '\\' {
        let (after, _) = letters.nth(1)?;
        return source[after - 1..].find('\'').map(|index| after + index);
    }
    let (index, last) = letters.next()?;
    (last == '\'').then_some(index + 1)
}

#[test]
fn code_without_comments_and_literals_keeps_its_lines() {
    let source = "let a = \"unsafe // \\\" \"; // unsafe\n/* unsafe /* nested */ */ b('\"', 'c', '\\n', r#\"unsafe\"#) 'lifetime";
    let code = code(source);
    assert_eq!(words(&code).collect::<Vec<_>>(), ["let", "a", "b", "lifetime"]);
    assert_eq!(code.lines().count(), 2);
}

#[test]
fn comments_in_adjacent_lines_are_one_comment() {
    let source = "//! One.\n//!\n//! Two.\n\nfn a() {\n    // Three.\n    b(\"// no\"); // Four.\n}\n/// Five.\n/// Six.\n#[test]\n/// Seven.";
    let found = comments(source);
    let lines: Vec<_> = found.iter().map(|comment| (comment.line, comment.marker, comment.lines.join("|"))).collect();
    let expected = [
        (1, "//!", "One.||Two."),
        (6, "//", "Three."),
        (7, "//", "Four."),
        (9, "///", "Five.|Six."),
        (12, "///", "Seven."),
    ];
    assert_eq!(lines, expected.map(|(line, marker, text)| (line, marker, text.to_owned())));
}

#[test]
fn literals_are_found_with_their_lines() {
    let found = literals("a(\"one\\\"\ntwo\");\nb(r#\"three\"#); // \"four\"");
    assert_eq!(found, [(1, "\"one\\\"\ntwo\"".to_owned()), (3, "r#\"three\"#".to_owned())]);
}
