//! Finds let-chains, which the minimum supported Rust version does not have.

use super::lexer::{code, words};

/// Returns the lines with an `if` or `while` whose condition has both a `let` and an `&&` outside of parentheses.
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

/// Returns the code up to the brace of the condition's block.
fn condition(code: &str) -> &str {
    let mut depth = 0;
    for (index, letter) in code.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' | ';' if depth <= 0 => return &code[..index],
            _ => {}
        }
        // A guard of a `match` arm, or the end of the expression around this `if`.
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

#[test]
fn let_chains_are_found_and_similar_conditions_are_not() {
    let chains = "if let Some(a) = b && c {}\nif a && let Some(b) = c {}\nwhile let Some(a) = b\n    && c {}";
    assert_eq!(let_chains(chains).collect::<Vec<_>>(), [1, 2, 3]);
    let others = "if let Some(a) = b(c && d) { e && f }\nif a && b { let c = d; }\nmatch a { b if c && d => { let e = f; } }\nlet a = b && c;";
    assert_eq!(let_chains(others).collect::<Vec<_>>(), Vec::<usize>::new());
}
