//! Words of systemd's unit files (`systemd.syntax(7)`, `systemd.service(5)`, section "Command lines").

/// Quotes one argument of a command line: no specifier (`%`), no variable (`$`), no escape and no separator is left in it.
pub(crate) fn argument(text: &str) -> String {
    word(text).replace('$', "$$")
}

/// Quotes the program of a command line. systemd expands specifiers in it, but no variables. The prefixes `-@+!:` have no meaning, since
/// an absolute path begins with `/`.
pub(crate) fn program(path: &str) -> String {
    word(path)
}

/// Quotes one word of a list, such as a path of `ReadWritePaths=`.
pub(crate) fn word(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '%' => quoted.push_str("%%"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    // Most words need no quotes; a leading one would be taken for a quote otherwise.
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+,:=@%".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) { quoted[1..quoted.len() - 1].to_owned() } else { quoted }
}

/// Escapes the whole value of a setting that is not split into words, such as `Description=`. A backslash at its end would continue
/// the line (`systemd.syntax(7)`), and such an end is cut off.
pub(crate) fn value(text: &str) -> String {
    text.trim().trim_end_matches('\\').trim_end().replace('%', "%%")
}
