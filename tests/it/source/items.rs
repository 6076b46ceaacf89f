//! Finds the items that a source file defines.

use std::collections::BTreeSet;

use super::lexer::{code, words};

/// Returns the code without the modules of unit tests; the line numbers stay the same.
pub(crate) fn without_tests(source: &str) -> String {
    let mut code = code(source);
    for attribute in ["#[cfg(test)]", "#[cfg(all(test"] {
        while let Some(begin) = code.find(attribute) {
            let item = &code[begin..];
            let length = [item.find(';').map(|index| index + 1), block(item).map(|block| block.end)];
            let end = begin + length.into_iter().flatten().min().unwrap_or(item.len());
            let blank: String =
                code[begin..end].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }).collect();
            code.replace_range(begin..end, &blank);
        }
    }
    code
}

/// Returns the names of the types and traits in a piece of code, each with its line. An indented `type` belongs to a trait.
pub(crate) fn types(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let is_indented = line.starts_with(char::is_whitespace);
        let mut words = words(line).skip_while(|word| ["pub", "crate", "super", "in", "self", "unsafe"].contains(word));
        let kind = words.next().unwrap_or_default();
        let is_type = ["struct", "enum", "union", "trait"].contains(&kind) || kind == "type" && !is_indented;
        if let Some(name) = words.next().filter(|name| is_type && name.starts_with(char::is_uppercase)) {
            found.push((index + 1, name.to_owned()));
        }
    }
    found
}

/// Returns the names of the constants and statics in a piece of code, each with its line.
pub(crate) fn constants(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut words = words(line).skip_while(|word| !["const", "static"].contains(word)).skip(1);
        if let Some(name) = words.find(|word| *word != "mut").filter(|name| name.starts_with(char::is_uppercase)) {
            found.push((index + 1, name.to_owned()));
        }
    }
    found
}

/// Returns the functions with bodies of a piece of code: the line, the name and the count of lines of each.
pub(crate) fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (index, _) in code.match_indices("fn ") {
        let is_keyword = !code[..index].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        let item = &code[index..];
        let Some(body) = block(item).filter(|_| is_keyword) else { continue };
        let name = words(item).nth(1).unwrap_or_default().to_owned();
        found.push((code[..=index].lines().count(), name, item[..body.end].lines().count()));
    }
    found
}

/// Returns the methods that a file defines, and those that it calls on `self`.
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

/// Returns the range of an item's block in braces, `None` if the item ends before one with a semicolon.
fn block(item: &str) -> Option<std::ops::Range<usize>> {
    let (mut brackets, mut braces, mut begin) = (0, 0, 0);
    for (index, letter) in item.char_indices() {
        match letter {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => {
                if braces == 0 {
                    begin = index;
                }
                braces += 1;
            }
            '}' => {
                braces -= 1;
                if braces <= 0 {
                    return Some(begin..index + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn tests_are_blanked_and_what_follows_stays() {
    let source = "a();\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\"; }\n}\nc();\n#[cfg(test)]\nmod tests;\nd();";
    let code = without_tests(source);
    assert_eq!(words(&code).collect::<Vec<_>>(), ["a", "c", "d"]);
    assert_eq!(code.lines().count(), 9);
}

#[test]
fn types_are_found_but_no_associated_ones() {
    let code = "pub(crate) struct A;\nenum B<T> {}\nimpl C for D {\n    type E = F;\n}\npub type G = H;\n    unsafe trait I {}\n";
    let found = types(code);
    let found: Vec<_> = found.iter().map(|(line, name)| (*line, name.as_str())).collect();
    assert_eq!(found, [(1, "A"), (2, "B"), (6, "G"), (7, "I")]);
}

#[test]
fn constants_are_found_but_no_constant_functions() {
    let found =
        constants("pub(super) const A: u8 = 1;\nstatic mut B: u8 = 2;\nconst fn c() {}\nlet d: *const u8 = e;\n");
    let found: Vec<_> = found.iter().map(|(line, name)| (*line, name.as_str())).collect();
    assert_eq!(found, [(1, "A"), (2, "B")]);
}

#[test]
fn functions_are_measured_from_name_to_closing_brace() {
    let found = functions(
        "trait A {\n    fn a(b: [u8; 2]);\n    fn c(d: fn(e: u8)) {\n        {\n        }\n    }\n}\nfn f() {}\n",
    );
    let found: Vec<_> = found.iter().map(|(line, name, lines)| (*line, name.as_str(), *lines)).collect();
    assert_eq!(found, [(3, "c", 4), (8, "f", 1)]);
}

#[test]
fn methods_differ_from_functions_and_fields() {
    let (defined, called) =
        methods("impl A { fn a(&mut self) { self.b(self.c, self.d.e()); } fn f(g: G) { self_h(); } }");
    assert_eq!((Vec::from_iter(defined), Vec::from_iter(called)), (vec!["a".to_owned()], vec!["b".to_owned()]));
}
