//! Reads INI files as Python's `configparser` does: supervisord's and circus' own readers are that. Crates for INI files have other
//! rules for lines that go on and for comments, or do not say on which line a value is.

use super::keys::{Entries, Entry};
use super::source::{SourceError, SourceFile};

/// A section of an INI file.
#[derive(Debug)]
pub(super) struct IniSection {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) entries: Entries<String>,
}

impl IniSection {
    /// Returns the part of the name after a prefix such as `program:`.
    pub(super) fn suffix(&self, prefix: &str) -> Option<&str> {
        self.name.strip_prefix(prefix).map(str::trim)
    }
}

/// The most sections and entries of a file.
const MAX_INI_ITEMS: usize = 20_000;

/// Reads the sections of a file. Sections of one name become one, as in Python.
///
/// # Errors
/// A line that is neither of a section, of a key nor a comment.
pub(super) fn read(file: &SourceFile, keeps_case: bool) -> Result<Vec<IniSection>, SourceError> {
    let mut sections: Vec<IniSection> = Vec::new();
    let (mut current, mut indent, mut items) = (None, 0, 0);
    for (index, whole) in file.text.lines().enumerate() {
        let number = index + 1;
        let line = without_comment(whole);
        if line.trim().is_empty() {
            continue;
        }
        let depth = line.len() - line.trim_start().len();
        if let Some(entry) = continued(&mut sections, current).filter(|_| depth > indent) {
            entry.value.push('\n');
            entry.value.push_str(line.trim());
            continue;
        }
        items += 1;
        if items > MAX_INI_ITEMS {
            return Err(file.error(number, format!("it has more than {MAX_INI_ITEMS} keys: split it")));
        }
        let line = line.trim();
        indent = depth;
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name.trim()) {
            current = Some(section(&mut sections, name, number));
            continue;
        }
        let Some(section) = current.and_then(|at| sections.get_mut(at)) else {
            return Err(file.error(number, "this is not in a section: write `[program:NAME]` or another one before it"));
        };
        let Some((key, value)) = line.split_once(['=', ':']) else {
            return Err(file.error(number, "this is neither a section nor `key = value`"));
        };
        let key = if keeps_case { key.trim().to_owned() } else { key.trim().to_lowercase() };
        section.entries.0.push(Entry::new(key, value.trim().to_owned(), number));
    }
    Ok(sections)
}

/// Returns the index of the section of this name, which is made if it is new.
fn section(sections: &mut Vec<IniSection>, name: &str, line: usize) -> usize {
    sections.iter().position(|section| section.name == name).unwrap_or_else(|| {
        sections.push(IniSection { name: name.to_owned(), line, entries: Entries(Vec::new()) });
        sections.len() - 1
    })
}

/// Returns the entry that an indented line continues.
fn continued(sections: &mut [IniSection], current: Option<usize>) -> Option<&mut Entry<String>> {
    sections.get_mut(current?)?.entries.0.last_mut()
}

/// Removes a comment: a line that begins with `#` or `;`, or the rest after one of them behind a space.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let mut blank = false;
    for (at, letter) in line.char_indices() {
        if blank && matches!(letter, '#' | ';') {
            return line[..at].trim_end();
        }
        blank = letter.is_whitespace();
    }
    line.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_indented_continue_a_value() {
        let text = "; one\n[program:a]\ncommand = /bin/x # two\n  -v\n\nenvironment: A=\"1\",\n    B=\"2;3\"\n[b]\nk=v;w ; x\n";
        let sections = read(&SourceFile::of_text("x.conf", text), false).unwrap();
        let entries = |index: usize| {
            let all = sections[index].entries.0.iter();
            all.map(|entry| (&*entry.key, &*entry.value, entry.line)).collect::<Vec<_>>()
        };
        assert_eq!(entries(0), [("command", "/bin/x\n-v", 3), ("environment", "A=\"1\",\nB=\"2;3\"", 6)]);
        assert_eq!(entries(1), [("k", "v;w", 9)]);
        assert_eq!(sections[0].suffix("program:"), Some("a"));
    }

    #[test]
    fn a_line_without_meaning_is_an_error_with_its_place_and_without_its_text() {
        for (text, line) in [("root:x:0\n", 1), ("[a]\nb=1\nroot\n", 3)] {
            let error = read(&SourceFile::of_text("x.conf", text), false).unwrap_err().to_string();
            assert!(error.starts_with(&format!("x.conf:{line}: ")) && !error.contains("root"), "{error}");
        }
    }
}
