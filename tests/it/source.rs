//! Reading Rust source as far as the tests of the architecture need it.

use std::collections::BTreeSet;

/// The source with comments and the contents of texts blanked, line by line the same.
pub(crate) fn code(source: &str) -> String {
    let mut rest = source;
    let mut code = String::with_capacity(source.len());
    while let Some(first) = rest.chars().next() {
        let (length, keep) = token(rest, first, code.chars().next_back());
        let (token, after) = rest.split_at(length);
        if keep {
            code.push_str(token);
        } else {
            code.extend(token.chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    code
}

/// The length of the comment, text or character the source begins with, and whether it is code.
fn token(source: &str, first: char, before: Option<char>) -> (usize, bool) {
    let in_a_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    match first {
        '/' if source.starts_with("//") => (source.find('\n').unwrap_or(source.len()), false),
        '/' if source.starts_with("/*") => (block_comment(source), false),
        '"' => (text(source), false),
        'r' if !in_a_word && raw_text(source).is_some() => (raw_text(source).unwrap_or(1), false),
        '\'' => character(source).map_or((1, true), |length| (length, false)),
        _ => (first.len_utf8(), true),
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

fn text(source: &str) -> usize {
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

fn raw_text(source: &str) -> Option<usize> {
    let hashes = source[1..].chars().take_while(|letter| *letter == '#').count();
    let begin = source[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(2 + hashes + begin.find(&end).map_or(begin.len(), |index| index + end.len()))
}

/// A character literal, and no lifetime.
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

/// The identifiers and keywords of a line.
pub(crate) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

/// What a file uses of its crate's root, with line numbers: `a` for `crate::a::b`, `a` and `c` for `crate::{a::b, c}`.
/// In a file at the root `use super::a` means the same.
pub(crate) fn uses_of_the_root(source: &str, at_the_root: bool) -> Vec<(usize, String)> {
    uses(source, if at_the_root { &["crate::", "\nuse super::"] } else { &["crate::"] })
}

/// Returns the names that a file uses by paths that begin so, with line numbers.
pub(crate) fn uses(source: &str, prefixes: &[&str]) -> Vec<(usize, String)> {
    let code = code(source);
    let mut found = Vec::new();
    for prefix in prefixes {
        for (index, _) in code.match_indices(prefix) {
            let is_dollar = code[..index].ends_with(['$', '_']);
            let line = code[..index + prefix.len()].lines().count();
            let used = &code[index + prefix.len()..];
            let is_everything = used.starts_with('*');
            found.extend(names(used).into_iter().filter(|_| !is_dollar && !is_everything).map(|name| (line, name)));
        }
    }
    found
}

/// The methods that a file defines, and those that it calls on `self`.
pub(crate) fn methods(source: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let code = code(source);
    let after = |text: &str| code.match_indices(text).map(|(index, _)| index + text.len()).collect::<Vec<_>>();
    let name = |index: usize| words(&code[index..]).next().unwrap_or_default().to_owned();
    let is_method = |index: &usize| code[*index..].split(['{', ';']).next().is_some_and(|head| head.contains("self"));
    let is_call =
        |index: &usize| code[*index..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').starts_with('(');
    let defined = after("fn ").into_iter().filter(is_method).map(name).collect();
    let called = after("self.").into_iter().filter(is_call).map(name).collect();
    (defined, called)
}

/// The first name of a path, or of each path of a group.
fn names(path: &str) -> Vec<String> {
    let paths = path.strip_prefix('{').map_or_else(|| vec![path], members);
    // Behind a `*` comes the next line.
    let names =
        paths.into_iter().filter(|path| !path.trim_start().starts_with('*')).filter_map(|path| words(path).next());
    names.map(str::to_owned).collect()
}

/// The members of a group, up to its closing brace.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut all) = (0, 0, Vec::new());
    for (index, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                all.push(&group[begin..index]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(&group[begin..index]);
                begin = index + 1;
            }
            _ => {}
        }
    }
    all
}

/// The lines on which an `if let` or `while let` goes on with `&&`, or a condition has a `let` behind one.
pub(crate) fn let_chains(source: &str) -> impl Iterator<Item = usize> {
    let code = code(source);
    let mut lines = Vec::new();
    for keyword in ["if", "while"] {
        for (index, _) in code.match_indices(keyword) {
            let condition = condition(&code[index + keyword.len()..]);
            let is_word = !code[..index].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
            if is_word && condition.starts_with(char::is_whitespace) && is_chain(condition) {
                lines.push(code[..=index].lines().count());
            }
        }
    }
    lines.into_iter()
}

/// From a condition's beginning to the brace of its block.
fn condition(code: &str) -> &str {
    let mut depth = 0;
    for (index, letter) in code.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' | ';' if depth <= 0 => return &code[..index],
            _ => {}
        }
        // A guard of a `match` arm, or the end of what this `if` stands in.
        if depth < 0 || depth == 0 && code[index..].starts_with("=>") {
            return &code[..index];
        }
    }
    code
}

fn is_chain(condition: &str) -> bool {
    let mut depth = 0;
    let mut outside = String::new();
    for letter in condition.chars() {
        depth += i32::from(matches!(letter, '(' | '[')) - i32::from(matches!(letter, ')' | ']'));
        if depth == 0 {
            outside.push(letter);
        }
    }
    words(&outside).any(|word| word == "let") && outside.contains("&&")
}

/// Returns the programs that this file of tests runs by name, without the directories of those that it names by a path.
pub(crate) fn programs(source: &str) -> Vec<String> {
    let run = ["needs(&[", ".command(", "Command::new("].map(|call| source.split(call).skip(1)).into_iter().flatten();
    let words = run.flat_map(|call| {
        let arguments = call.split([')', ']']).next().unwrap_or_default();
        // Of a list, each text; otherwise the first argument.
        let list = arguments.split(", ").map_while(|word| word.trim().strip_prefix('"')?.strip_suffix('"'));
        list.collect::<Vec<_>>()
    });
    words.map(|word| word.rsplit('/').next().unwrap_or(word).to_owned()).collect()
}

/// The numbers of the table in the list of promises.
pub(crate) fn promises(list: &str) -> impl Iterator<Item = String> {
    list.lines()
        .filter_map(|line| Some(line.strip_prefix("| ")?.split(' ').next()?.to_owned()))
        .filter(|number| is_number(number))
}

/// Returns the numbers that this file's tests name: 1.01 of `fn p1_01_…`, 1.02 and 1.03 of a doc line with
/// `Promises 1.02, 1.03.`.
pub(crate) fn named_promises(source: &str) -> impl Iterator<Item = String> {
    source.lines().map(str::trim).flat_map(|line| match line.strip_prefix("fn p") {
        Some(name) => number_of_name(name).into_iter().collect(),
        None => numbers_of_doc(line),
    })
}

fn number_of_name(name: &str) -> Option<String> {
    let mut parts = name.split('_');
    let number = format!("{}.{}", parts.next()?, parts.next()?);
    is_number(&number).then_some(number)
}

fn numbers_of_doc(line: &str) -> Vec<String> {
    let text = line.strip_prefix("/// ").unwrap_or_default();
    let Some((_, list)) = text.split_once("Promise ").or_else(|| text.split_once("Promises ")) else {
        return Vec::new();
    };
    let sentence = list.split(". ").next().unwrap_or_default();
    let words = sentence.split([' ', ',']).map(|word| word.trim_end_matches(['.', ':']));
    let list = words.filter(|word| !word.is_empty() && *word != "and");
    list.take_while(|word| is_number(word)).map(str::to_owned).collect()
}

fn is_number(text: &str) -> bool {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|digit| digit.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(section, number)| (digits(section, 1) || digits(section, 2)) && digits(number, 2))
}

#[test]
fn comments_and_texts_are_no_code() {
    let source = "let a = \"unsafe // \\\" \"; // unsafe\n/* unsafe /* nested */ */ b('\"', 'c', '\\n', r#\"unsafe\"#) 'lifetime";
    let code = code(source);
    assert_eq!(words(&code).collect::<Vec<_>>(), ["let", "a", "b", "lifetime"]);
    assert_eq!(code.lines().count(), 2);
}

#[test]
fn uses_of_the_root_are_found_in_groups_too() {
    let source = "use crate::error::Error;\nuse crate::{sys::{fds, wait}, pid};\n// crate::comment\nlet a = crate::signal::X;\nuse super::daemon;\n";
    let found = uses_of_the_root(source, true);
    let names: Vec<(usize, &str)> = found.iter().map(|(line, name)| (*line, name.as_str())).collect();
    assert_eq!(names, [(1, "error"), (2, "sys"), (2, "pid"), (4, "signal"), (5, "daemon")]);
    assert_eq!(uses_of_the_root(source, false).len(), 4);
    assert!(uses_of_the_root("\nuse super::*;\nuse other::Thing;\n", true).is_empty());
}

#[test]
fn methods_are_told_from_functions_and_fields() {
    let (defined, called) =
        methods("impl A { fn a(&mut self) { self.b(self.c, self.d.e()); } fn f(g: G) { self_h(); } }");
    assert_eq!((Vec::from_iter(defined), Vec::from_iter(called)), (vec!["a".to_owned()], vec!["b".to_owned()]));
}

#[test]
fn promises_are_named_by_names_and_by_doc_comments() {
    let source = "/// Promises 1.02, 1.03 and 10.04. 9.99 is not named.\n/// Promise 6.11.\n/// Promise of 7.77.\n#[test]\nfn p1_01_first() {}\n";
    assert_eq!(named_promises(source).collect::<Vec<_>>(), ["1.02", "1.03", "10.04", "6.11", "1.01"]);
}

#[test]
fn programs_are_those_that_tests_need_or_run() {
    let source = "needs(&[\"mount\", \"dd\"]); lab.command(\"/usr/bin/python3\", &[\"-c\", name]); Command::new(\"sh\"); lab.command(path, &[\"word\"])";
    assert_eq!(programs(source), ["mount", "dd", "python3", "sh"]);
}

#[test]
fn let_chains_are_told_from_what_looks_like_them() {
    let chains = "if let Some(a) = b && c {}\nif a && let Some(b) = c {}\nwhile let Some(a) = b\n    && c {}";
    assert_eq!(let_chains(chains).collect::<Vec<_>>(), [1, 2, 3]);
    let others = "if let Some(a) = b(c && d) { e && f }\nif a && b { let c = d; }\nmatch a { b if c && d => { let e = f; } }\nlet a = b && c;";
    assert_eq!(let_chains(others).collect::<Vec<_>>(), Vec::<usize>::new());
}
