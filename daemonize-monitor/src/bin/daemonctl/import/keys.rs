//! The keys of a source: which were used, and what becomes of the others.

use super::document::Section;
use std::cell::Cell;
use std::fmt::Display;

/// The fate of a key of another supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Translation {
    /// It is written here so, in the words of the documentation.
    To(&'static str),
    /// It is kept as a comment, for this reason.
    Kept(&'static str),
}

/// The keys of a section of another supervisor, which are also the table in the documentation.
pub(super) type KnownKeys = &'static [(&'static str, Translation)];

/// A key of a source with its value.
#[derive(Debug)]
pub(super) struct Entry<V> {
    pub(super) key: String,
    pub(super) value: V,
    pub(super) line: usize,
    taken: Cell<bool>,
}

impl<V: Display> Entry<V> {
    pub(super) fn new(key: String, value: V, line: usize) -> Entry<V> {
        Entry { key, value, line, taken: Cell::new(false) }
    }

    /// Returns the entry as the source has it, for a comment. Secrets are left out.
    pub(super) fn source(&self) -> String {
        let is_secret =
            ["password", "passwd", "secret"].iter().any(|word| self.key.to_ascii_lowercase().contains(word));
        if is_secret { format!("{} = …", self.key) } else { format!("{} = {}", self.key, self.value) }
    }

    /// Keeps this entry as a comment in `section`.
    pub(super) fn keep(&self, section: &mut Section, reason: impl Into<String>) {
        self.taken.set(true);
        section.keep(self.source(), self.line, reason);
    }
}

/// The entries of a section of a source.
#[derive(Debug)]
pub(super) struct Entries<V>(pub(super) Vec<Entry<V>>);

impl<V: Display> Entries<V> {
    /// Returns the entry of a key and marks it as used; the last one counts.
    pub(super) fn take(&self, key: &str) -> Option<&Entry<V>> {
        let found = self.0.iter().rev().find(|entry| entry.key == key)?;
        found.taken.set(true);
        Some(found)
    }

    /// Returns all entries whose keys begin with `prefix`, and marks them as used.
    pub(super) fn take_all<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry<V>> {
        let all = self.0.iter().filter(move |entry| entry.key.starts_with(prefix));
        all.inspect(|entry| entry.taken.set(true))
    }

    /// Keeps all entries that were not used as comments.
    pub(super) fn keep_rest(&self, known: KnownKeys, section: &mut Section) {
        for entry in self.0.iter().filter(|entry| !entry.taken.get()) {
            entry.keep(section, reason(known, &entry.key));
        }
    }
}

/// Returns the reason for which a key has no translation.
fn reason(known: KnownKeys, key: &str) -> String {
    let found =
        known.iter().find(|(name, _)| name.strip_suffix('*').map_or(*name == key, |start| key.starts_with(start)));
    match found {
        Some((_, Translation::Kept(reason))) => (*reason).to_owned(),
        Some((_, Translation::To(_))) => "it has no effect beside the other keys, or is said again".into(),
        None => "not a known key".into(),
    }
}

/// Returns the rows of the documentation for these keys: keys in a row with the same translation share a line.
#[cfg(test)]
pub(super) fn documentation(known: KnownKeys) -> String {
    let mut rows: Vec<(Vec<String>, Translation)> = Vec::new();
    for (key, translation) in known {
        let key = match key.strip_suffix('*').filter(|start| start.starts_with('[')) {
            Some(section) => format!("`{section}x]`"),
            None => format!("`{key}`"),
        };
        match rows.last_mut() {
            Some((keys, last)) if last == translation => keys.push(key),
            _ => rows.push((vec![key], *translation)),
        }
    }
    let row = |(keys, translation): (Vec<String>, Translation)| match translation {
        Translation::To(here) => format!("| {} | {here} |\n", keys.join(", ")),
        Translation::Kept(reason) => format!("| {} | a comment: {reason} |\n", keys.join(", ")),
    };
    rows.into_iter().map(row).collect()
}
