//! The variables of circus in commands and environments: `$(circus.wid)`, `((circus.env.home))`, `$WID`.

use super::super::document::literal;
use super::super::keys::Entries;
use std::fmt::Write;

/// Returns a word of a command with its variables, as a text in which `${X}` is a variable; the descriptor of a socket by
/// `descriptor`.
pub(super) fn command_word(text: &str, descriptor: &dyn Fn(&str) -> Option<usize>) -> String {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, name, after)) = next_variable(rest) {
        expanded.push_str(&literal(before));
        let lower = name.to_ascii_lowercase();
        let plain = lower.strip_prefix("circus.").unwrap_or(&lower);
        match (plain, plain.strip_prefix("env."), plain.strip_prefix("sockets.")) {
            ("wid", ..) => expanded.push_str("${INSTANCE}"),
            (_, Some(variable), _) if is_variable(variable) => {
                let _ = write!(expanded, "${{{}}}", variable.to_ascii_uppercase());
            }
            (_, _, Some(socket)) if descriptor(socket).is_some() => {
                expanded.push_str(&descriptor(socket).unwrap_or_default().to_string());
            }
            _ => expanded.push_str(&literal(&rest[before.len()..rest.len() - after.len()])),
        }
        rest = after;
    }
    expanded.push_str(&literal(rest));
    expanded.replace("$$WID", "${INSTANCE}")
}

/// Returns the text before the next variable, its name, and the text behind it.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let found = |open: &'static str, close: &'static str| {
        let (before, rest) = text.split_once(open)?;
        let (name, after) = rest.split_once(close)?;
        Some((before, name, after))
    };
    let (one, other) = (found("$(", ")"), found("((", "))"));
    match (one, other) {
        (Some(one), Some(other)) if other.0.len() < one.0.len() => Some(other),
        (one, other) => one.or(other),
    }
}

/// Returns the names of the sockets in a command.
pub(super) fn sockets(text: &str) -> Vec<String> {
    let (mut names, mut rest) = (Vec::new(), text);
    while let Some((_, name, after)) = next_variable(rest) {
        names.extend(name.to_ascii_lowercase().strip_prefix("circus.sockets.").map(str::to_owned));
        rest = after;
    }
    names.dedup();
    names
}

/// Returns a value of an environment: `$PATH:/bin` extends the variable of the monitor, or one of `known`.
pub(super) fn environment_value(text: &str, known: &[(String, String)]) -> String {
    let text = plain_variables(text);
    let (mut expanded, mut rest) = (String::new(), text.as_str());
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let end = after.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(after.len());
        let (name, behind) = after.split_at(end);
        let name = name.to_ascii_uppercase();
        match known.iter().find(|(other, _)| *other == name) {
            _ if !is_variable(&name) => expanded.push_str("$$"),
            Some((_, value)) => expanded.push_str(value),
            None => {
                let _ = write!(expanded, "${{{name}}}");
            }
        }
        rest = if is_variable(&name) { behind } else { after };
    }
    expanded.push_str(rest);
    expanded
}

/// Returns a text in which `$(circus.env.x)` is `$X`.
fn plain_variables(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, name, after)) = next_variable(rest) {
        plain.push_str(before);
        let lower = name.to_ascii_lowercase();
        match lower.strip_prefix("circus.env.").filter(|variable| is_variable(variable)) {
            // A letter behind it would become a part of the name.
            Some(variable) if !after.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_') => {
                let _ = write!(plain, "${}", variable.to_ascii_uppercase());
            }
            _ => plain.push_str(&rest[before.len()..rest.len() - after.len()]),
        }
        rest = after;
    }
    plain + rest
}

/// Returns the variables of `[env]` or `[env:x]`; circus writes their names in capitals.
pub(super) fn environment(entries: &Entries<String>, known: &[(String, String)]) -> Vec<(String, String)> {
    let all = entries.take_all("");
    all.map(|entry| (entry.key.to_ascii_uppercase(), environment_value(&entry.value, known))).collect()
}

fn is_variable(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    name.chars().all(plain) && name.starts_with(|letter: char| !letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_instances_descriptors_and_variables() {
        let descriptor = |name: &str| (name == "web").then_some(3);
        for (text, expected) in [
            ("--fd $(circus.sockets.web)", "--fd 3"),
            ("$(circus.wid)-((CIRCUS.WID))-$(WID)-$WID", "${INSTANCE}-${INSTANCE}-${INSTANCE}-${INSTANCE}"),
            ("$(circus.env.home)/x", "${HOME}/x"),
            ("$(circus.sockets.other) $x (( $(", "$$(circus.sockets.other) $$x (( $$("),
            ("$(circus.env.a}b)", "$$(circus.env.a}b)"),
        ] {
            assert_eq!(command_word(text, &descriptor), expected, "{text}");
        }
        assert_eq!(sockets("a $(circus.sockets.Web) ((circus.sockets.b))"), ["web", "b"]);
        let known = [("A".to_owned(), "1".to_owned())];
        assert_eq!(environment_value("$PATH:$a/$-$", &known), "${PATH}:1/$$-$$");
        assert_eq!(environment_value("$(circus.env.home)/x:((CIRCUS.ENV.A))", &known), "${HOME}/x:1");
    }
}
