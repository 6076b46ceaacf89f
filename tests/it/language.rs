//! The language of source and documents: plain words, doc comments that begin with a verb, names that mean one thing.
//!
//! Each test prints every violation with its file and line.

use std::collections::BTreeMap;
use std::path::Path;

use crate::source::{self, Comment, all_files, markdown_files, read, root};

/// The longest function, in lines from its name to its closing brace.
const MAX_FUNCTION_LINES: usize = 60;

/// Words and phrases that readers must translate, each with what to write instead.
const PHRASES: &[(&str, &str)] = &[
    ("whoever", "the caller, the client, any process"),
    ("whomever", "the caller, the client, any process"),
    ("whom", "name the process or the user"),
    ("somebody", "a process, a caller, a user"),
    ("nobody", "no process, no caller"),
    ("everybody", "every process, every caller"),
    ("all the same", "regardless"),
    ("so many", "give the number"),
    ("comes to its end", "ends, exits"),
    ("come to its end", "end, exit"),
    ("has to say", "reports"),
    ("have to say", "report"),
    ("is told", "receives"),
    ("are told", "receive"),
    ("goes away", "exits, closes, is removed"),
    ("go away", "exit, close, be removed"),
];

/// Openings of comments that ask instead of stating.
const OPENINGS: &[&str] = &["What", "Who", "Whose", "Whom", "Whether", "Where", "Those", "The same"];

/// Names of constants that do not say what they bound.
const GENERIC_CONSTANTS: &[&str] =
    &["AGAIN", "LAST_WORDS", "LONG", "LONGEST", "LOOK", "LOOKS", "MOST", "NAP", "PATIENCE", "SHORT", "SOON"];

/// The packages with sources of their own, for the uniqueness of type names.
const PACKAGES: &[&str] = &[
    "daemonize-cli/src",
    "daemonize-control/src",
    "daemonize-core/src",
    "daemonize-exec/src",
    "daemonize-logging/src",
    "daemonize-on-demand/src",
    "daemonize-scope/src",
    "daemonize-macros/src",
    "daemonize-monitor/src",
    "daemonize-service/src",
    "daemonize-sys/src",
    "tests/src",
];

#[test]
fn comments_use_plain_words() {
    assert_none(
        "words to replace in comments",
        all_files().iter().flat_map(|file| {
            let comments = source::comments(&read(file));
            let lines = comments.into_iter().filter(|comment| !is_about_language(file, comment)).flat_map(numbered);
            let found =
                lines.flat_map(|(line, text)| phrases(&text).map(move |phrase| (line, phrase)).collect::<Vec<_>>());
            found.map(|(line, phrase)| at(file, line, &advice(phrase))).collect::<Vec<_>>()
        }),
    );
}

#[test]
fn literals_use_plain_words() {
    let is_this = |file: &Path| file.ends_with("it/language.rs");
    assert_none(
        "words to replace in texts",
        all_files().iter().filter(|file| !is_this(file)).flat_map(|file| {
            let literals =
                source::literals(&read(file)).into_iter().map(|(line, text)| (line, without_user_names(&text)));
            let found =
                literals.flat_map(|(line, text)| phrases(&text).map(move |phrase| (line, phrase)).collect::<Vec<_>>());
            found.map(|(line, phrase)| at(file, line, &advice(phrase))).collect::<Vec<_>>()
        }),
    );
}

#[test]
fn documents_use_plain_words() {
    assert_none(
        "words to replace in documents",
        markdown_files().iter().flat_map(|file| {
            let text = without_code_blocks(&read(file));
            let lines = text.lines().enumerate();
            let found = lines
                .flat_map(|(index, line)| phrases(line).map(move |phrase| (index + 1, phrase)).collect::<Vec<_>>());
            found.map(|(line, phrase)| at(file, line, &advice(phrase))).collect::<Vec<_>>()
        }),
    );
}

#[test]
fn comments_open_with_statements() {
    assert_none(
        "comments that open with a question word",
        all_files().iter().flat_map(|file| {
            let comments = source::comments(&read(file)).into_iter();
            let wrong = comments.filter_map(|comment| Some((comment.line, opening(&comment)?)));
            wrong.map(|(line, word)| at(file, line, word)).collect::<Vec<_>>()
        }),
    );
}

#[test]
fn type_names_mean_one_type_of_a_crate() {
    let mut wrong = Vec::new();
    for package in PACKAGES {
        let files = source::rust_files(&root().join(package)).into_iter();
        let files = files.filter(|file| !is_test_or_snapshot(file));
        let sources: Vec<_> = files.map(|file| (relative(&file), read(&file))).collect();
        assert!(sources.len() > 5, "`{package}` has {} files", sources.len());
        for (name, places) in repeated_types(&sources) {
            wrong.push(format!("{package}: `{name}` in {}", places.join(", ")));
        }
    }
    assert_none("type names used twice", wrong);
}

#[test]
fn constants_name_what_they_bound() {
    assert_none(
        "generic constants",
        all_files().iter().flat_map(|file| {
            let constants = source::constants(&source::code(&read(file))).into_iter();
            constants.filter(|(_, name)| is_generic(name)).map(|(line, name)| at(file, line, &name)).collect::<Vec<_>>()
        }),
    );
}

#[test]
fn functions_are_short() {
    assert_none(
        "functions of more than 60 lines",
        all_files().iter().flat_map(|file| {
            let functions = source::functions(&source::code(&read(file))).into_iter();
            let long = functions.filter(|(.., lines)| *lines > MAX_FUNCTION_LINES);
            long.map(|(line, name, lines)| at(file, line, &format!("{name}: {lines} lines"))).collect::<Vec<_>>()
        }),
    );
}

/// Fails with every violation in a line of its own.
fn assert_none(title: &str, violations: impl IntoIterator<Item = String>) {
    let violations: Vec<String> = violations.into_iter().collect();
    assert!(violations.is_empty(), "{} {title}:\n{}", violations.len(), violations.join("\n"));
}

fn at(file: &Path, line: usize, text: &str) -> String {
    format!("{}:{line}: {text}", relative(file))
}

fn relative(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}

/// Returns `true` for a file whose types are not part of the package's library or program. Programs of `tests` are crates of
/// their own.
fn is_test_or_snapshot(file: &Path) -> bool {
    let path = relative(file);
    let is_below = |name: &str| path.contains(&format!("/{name}/"));
    path.ends_with("/tests.rs") || is_below("tests") || is_below("snapshots") || path.starts_with("tests/src/bin/")
}

fn advice((phrase, instead): &(&str, &str)) -> String {
    format!("`{phrase}`; write: {instead}")
}

/// Returns the phrases to replace in a line, without those in backticks: there, `nobody` is a user.
fn phrases(line: &str) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`").to_lowercase();
    let words: Vec<&str> = source::words(&prose).collect();
    let prose = format!(" {} ", words.join(" "));
    PHRASES.iter().filter(move |(phrase, _)| prose.contains(&format!(" {phrase} ")))
}

/// Returns the literal without the user `nobody`, as settings and shell scripts name it.
fn without_user_names(literal: &str) -> String {
    let names = [
        "=nobody",
        "\"nobody\"",
        "\\\"nobody\\\"",
        "nobody = {",
        "nobody:x:",
        "passwd nobody",
        "chown nobody",
        "chown -R nobody",
        "{nobody}",
    ];
    names.iter().fold(literal.to_owned(), |text, name| text.replace(name, ""))
}

/// Returns `true` for a comment of the file that lists the phrases.
fn is_about_language(file: &Path, comment: &Comment) -> bool {
    file.ends_with("it/language.rs") && comment.lines.iter().any(|line| line.contains("phrase"))
}

fn numbered(comment: Comment) -> impl Iterator<Item = (usize, String)> {
    comment.lines.into_iter().enumerate().map(move |(index, line)| (comment.line + index, line))
}

/// Returns the question word with which a comment opens. In a comment that documents no item, "Where" may begin a condition.
fn opening(comment: &Comment) -> Option<&'static str> {
    let text = comment.lines.first()?;
    let is_doc = ["///", "//!"].contains(&comment.marker);
    let opens = |word: &str| text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    OPENINGS.iter().copied().find(|word| opens(word) && (is_doc || *word != "Where"))
}

/// Returns the names of types that several places define; sources come as pairs of path and text.
fn repeated_types(sources: &[(String, String)]) -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, source) in sources {
        for (line, name) in source::types(&source::without_tests(source)) {
            places.entry(name).or_default().push(format!("{path}:{line}"));
        }
    }
    places.retain(|_, places| places.len() > 1);
    places
}

fn is_generic(name: &str) -> bool {
    GENERIC_CONSTANTS.contains(&name) || name.split('_').any(|word| word == "PATIENCE")
}

/// Returns the text of a document with fenced blocks blanked; the lines stay the same.
fn without_code_blocks(text: &str) -> String {
    let mut in_block = false;
    let lines = text.lines().map(|line| {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        if in_block || is_fence { "" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn phrases_are_found_as_whole_words_outside_of_backticks() {
    let found = |line: &str| phrases(line).map(|(phrase, _)| *phrase).collect::<Vec<_>>();
    assert_eq!(found("Whoever is told, nobody listens."), ["whoever", "nobody", "is told"]);
    assert_eq!(found("The user `nobody` of somebodys's hoard."), Vec::<&str>::new());
    assert_eq!(found("It holds all\u{a0}the   same."), ["all the same"]);
    assert_eq!(found(&without_user_names("user=nobody, nobody")), ["nobody"]);
}

#[test]
fn openings_are_found_in_first_lines_of_comments() {
    let source = "//! Whether a.\n\n/// Returns b.\n/// What c.\nfn d() {\n    // Where e.\n    // f.\n    g(); // Who h.\n}\n/// Whatever i.\n";
    let found: Vec<_> = source::comments(source).iter().filter_map(opening).collect();
    assert_eq!(found, ["Whether", "Who"]);
}

#[test]
fn types_of_two_files_are_found_but_not_those_of_tests() {
    let sources = [
        ("a.rs", "struct A;\nstruct B;\nimpl I for A { type O = A; }"),
        ("b.rs", "enum A {}\nimpl I for A { type O = B; }\n#[cfg(test)]\nmod tests { struct B; }"),
    ];
    let sources = sources.map(|(path, source)| (path.to_owned(), source.to_owned()));
    let places = vec!["a.rs:1".to_owned(), "b.rs:1".to_owned()];
    assert_eq!(repeated_types(&sources), BTreeMap::from([("A".to_owned(), places)]));
}

#[test]
fn constants_without_a_subject_are_generic() {
    assert!(["PATIENCE", "REAP_PATIENCE", "LONG"].into_iter().all(is_generic));
    assert!(!["REAP_TIMEOUT", "LONGEST_LINE", "LONG_PAUSE"].into_iter().any(is_generic));
}

#[test]
fn code_blocks_of_documents_are_blanked() {
    assert_eq!(without_code_blocks("a\n```\nb\n```\nc"), "a\n\n\n\nc");
}
