//! Finds the paths that a source file uses.

use super::lexer::{code, words};

/// Returns the names that a file uses of its crate's root, with line numbers: `a` for `crate::a::b`, `a` and `c` for
/// `crate::{a::b, c}`. In a file at the root, `use super::a` means the same.
pub(crate) fn uses_of_root(source: &str, is_at_root: bool) -> Vec<(usize, String)> {
    uses(source, if is_at_root { &["crate::", "\nuse super::"] } else { &["crate::"] })
}

/// Returns the names that follow one of these prefixes, with line numbers.
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

/// Returns the first name of a path, or of each path of a group.
fn names(path: &str) -> Vec<String> {
    let paths = path.strip_prefix('{').map_or_else(|| vec![path], members);
    // After a `*`, `words` would return a word of the next line.
    let names =
        paths.into_iter().filter(|path| !path.trim_start().starts_with('*')).filter_map(|path| words(path).next());
    names.map(str::to_owned).collect()
}

/// Returns the members of a group, up to its closing brace.
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

#[test]
fn uses_of_root_in_groups_are_found() {
    let source = "use crate::error::Error;\nuse crate::{sys::{fds, wait}, pid};\n// crate::comment\nlet a = crate::signal::X;\nuse super::daemon;\n";
    let found = uses_of_root(source, true);
    let names: Vec<(usize, &str)> = found.iter().map(|(line, name)| (*line, name.as_str())).collect();
    assert_eq!(names, [(1, "error"), (2, "sys"), (2, "pid"), (4, "signal"), (5, "daemon")]);
    assert_eq!(uses_of_root(source, false).len(), 4);
    assert!(uses_of_root("\nuse super::*;\nuse other::Thing;\n", true).is_empty());
}
