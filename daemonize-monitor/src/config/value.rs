//! Converts TOML values to the types of keys, and reports an error at the location of a value of another type.

use super::diagnostic::Location;
use super::source_text::SourceText;
use super::suggestion::{listed, nearest};
use daemonize_sys::account::home;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value, and the key it has.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) source: &'a SourceText<'a>,
    pub(super) key: &'a str,
    /// The offset of the key.
    key_at: usize,
    inner: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    /// Returns the location of its key.
    pub(super) fn key_place(&self) -> Location {
        self.source.place(self.key_at)
    }

    /// Returns its location.
    pub(super) fn place(&self) -> Location {
        self.source.place(self.inner.span().start)
    }

    /// Notes what is wrong with it.
    pub(super) fn wrong<T>(&self, text: impl Display) -> Option<T> {
        self.source.mistake(self.place(), format!("`{}`: {text}", self.key));
        None
    }

    /// Notes that it is of the wrong type.
    fn should_be<T>(&self, what: &str) -> Option<T> {
        let found = match self.inner.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.wrong(format!("expected {what}, found {found}"))
    }

    /// Parses a string value with `parse`.
    pub(super) fn parsed<T>(&self, parse: impl Fn(&str) -> Result<T, String>, what: &str) -> Option<T> {
        let DeValue::String(text) = self.inner.get_ref() else { return self.should_be(what) };
        parse(text).map_or_else(|wrong| self.wrong(wrong), Some)
    }

    /// A string as it is.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.inner.get_ref() {
            DeValue::String(text) if text.contains('\0') => {
                self.wrong("it holds a NUL character, which no program can be given")
            }
            DeValue::String(text) => Some(text),
            DeValue::Integer(number) => self.should_be(&format!("a string, such as \"{number}\"")),
            DeValue::Boolean(truth) => self.should_be(&format!("a string, such as \"{truth}\"")),
            _ => self.should_be("a string"),
        }
    }

    /// A string in which `$VAR`, `${VAR}` and `${VAR:-default}` were put in; `$$` is a dollar sign.
    pub(super) fn expanded(&self) -> Option<String> {
        self.expand(None)
    }

    /// A path: expanded, with `~` too (the home of the passwd entry), and from the directory of its file on.
    pub(super) fn path(&self) -> Option<PathBuf> {
        let text = self.text()?;
        let begins_at_home = text == "~" || text.starts_with("~/");
        let home = begins_at_home.then(home).flatten();
        if begins_at_home && home.is_none() {
            return self.wrong("this user has no passwd entry, and so no home for `~`: write an absolute path");
        }
        let expanded = self.expand(home.as_deref())?;
        if expanded.is_empty() {
            return self.wrong("the path is empty");
        }
        Some(self.source.directory().join(expanded))
    }

    /// A program: a path, or a bare name that is looked for in `PATH`.
    pub(super) fn program(&self) -> Option<PathBuf> {
        let text = self.text()?;
        if text.contains(['/', '$']) || text.is_empty() { self.path() } else { Some(Path::new(text).to_owned()) }
    }

    fn expand(&self, home: Option<&Path>) -> Option<String> {
        let text = self.text()?;
        if let Some(open) = text.find("${").filter(|open| !text[*open..].contains('}')) {
            return self.wrong(format!(
                "`{}` has no end: write `}}` after the name, or `$$` for a dollar sign",
                &text[open..]
            ));
        }
        let variables = self.source.variables;
        let lookup = |name: &str| variables(name).map(Some).ok_or(());
        match shellexpand::full_with_context(text, || home.map(|home| home.display().to_string()), lookup) {
            Ok(expanded) if expanded.contains('\0') => {
                self.wrong("it holds a NUL character, which no program can be given")
            }
            Ok(expanded) => Some(expanded.into_owned()),
            Err(unset) => {
                let name = unset.var_name;
                self.wrong(format!(
                    "the variable `{name}` is not set: set it, write `${{{name}:-default}}`, or `$$` for a dollar sign"
                ))
            }
        }
    }

    pub(super) fn truth(&self) -> Option<bool> {
        match self.inner.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            _ => self.should_be("true or false"),
        }
    }

    /// A whole number in this range.
    pub(super) fn integer(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = self.inner.get_ref() else { return self.should_be(&what) };
        match u32::from_str_radix(number.as_str(), number.radix()) {
            Ok(found) if range.contains(&found) => Some(found),
            _ => self.wrong(format!("expected {what}, found {number}")),
        }
    }

    /// A whole number in this range, which may be negative.
    pub(super) fn signed(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = self.inner.get_ref() else { return self.should_be(&what) };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(found) if range.contains(&found) => Some(found),
            _ => self.wrong(format!("expected {what}, found {number}")),
        }
    }

    /// An integer that was written in octal digits, or anything else.
    pub(super) fn octal(&self) -> Option<String> {
        match self.inner.get_ref() {
            DeValue::Integer(number) if number.radix() == 8 => Some(number.as_str().to_owned()),
            _ => None,
        }
    }

    /// A number in this range, whole or not.
    pub(super) fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let what = format!("a number from {} to {}", range.start(), range.end());
        let found = match self.inner.get_ref() {
            DeValue::Integer(number) => number.as_str().parse::<f64>().ok().filter(|_| number.radix() == 10),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => return self.should_be(&what),
        };
        match found {
            Some(found) if range.contains(&found) => Some(found),
            _ => self.wrong(format!("expected {what}")),
        }
    }

    /// A duration that may be zero.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.parsed(crate::duration::parse, "a duration in quotes, such as \"3s\"")
    }

    /// A duration that may not be zero.
    pub(super) fn timeout(&self) -> Option<Duration> {
        match self.wait()? {
            Duration::ZERO => self.wrong("it must be longer than zero"),
            timeout => Some(timeout),
        }
    }

    /// Returns `true` if it is a list.
    pub(super) fn is_list(&self) -> bool {
        self.inner.get_ref().is_array()
    }

    pub(super) fn is_text(&self) -> bool {
        self.inner.get_ref().is_str()
    }

    /// The values of a list.
    pub(super) fn list(&self, what: &str) -> Option<Vec<Value<'a>>> {
        match self.inner.get_ref() {
            DeValue::Array(values) => Some(values.iter().map(|value| Value { inner: value, ..*self }).collect()),
            _ => self.should_be(what),
        }
    }

    /// The values of a table, in the order of the file.
    pub(super) fn table(&self, what: &str) -> Option<Vec<Value<'a>>> {
        match self.inner.get_ref() {
            DeValue::Table(table) => Some(entries(self.source, table)),
            _ => self.should_be(what),
        }
    }

    /// The values of a table in which only these keys are known, by key.
    pub(super) fn keys(&self, known: &'static [&'static str], hints: Hints) -> Option<Keys<'a>> {
        let values = self.table(&format!("a table with {}", listed(known.iter().copied(), "and")))?;
        Some(known_only(values, known, hints))
    }
}

/// Keys of other supervisors, and what is written here instead.
pub(super) type Hints = &'static [(&'static str, &'static str)];

/// The values of a table, in the order of the file.
pub(super) fn entries<'a>(source: &'a SourceText<'a>, table: &'a DeTable<'a>) -> Vec<Value<'a>> {
    let mut found: Vec<Value<'a>> = table
        .iter()
        .map(|(key, value)| Value { source, key: key.get_ref().as_ref(), key_at: key.span().start, inner: value })
        .collect();
    found.sort_by_key(|value| value.key_at);
    found
}

/// The values of a table whose keys are known.
pub(super) struct Keys<'a>(BTreeMap<&'a str, Value<'a>>);

impl<'a> Keys<'a> {
    pub(super) fn get(&self, key: &str) -> Option<Value<'a>> {
        self.0.get(key).copied()
    }

    /// Sets what the key says, if it is there and right.
    pub(super) fn set<T>(&self, key: &str, into: &mut T, read: impl Fn(Value<'a>) -> Option<T>) {
        if let Some(value) = self.get(key).and_then(read) {
            *into = value;
        }
    }

    /// Sets an optional value.
    pub(super) fn set_some<T>(&self, key: &str, into: &mut Option<T>, read: impl Fn(Value<'a>) -> Option<T>) {
        self.set(key, into, |value| read(value).map(Some));
    }
}

/// The values whose keys are known; each other one is a mistake.
pub(super) fn known_only<'a>(values: Vec<Value<'a>>, known: &'static [&'static str], hints: Hints) -> Keys<'a> {
    let mut found = BTreeMap::new();
    for value in values {
        if known.contains(&value.key) {
            found.insert(value.key, value);
        } else {
            value.source.mistake(value.key_place(), unknown(value.key, known, hints));
        }
    }
    Keys(found)
}

fn unknown(key: &str, known: &'static [&'static str], hints: Hints) -> String {
    if let Some((_, instead)) = hints.iter().find(|(theirs, _)| *theirs == key) {
        return format!("unknown key `{key}`: {instead}");
    }
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("unknown key `{key}`: did you mean `{near}`?"),
        None => format!("unknown key `{key}`: known are {}", listed(known.iter().copied(), "and")),
    }
}
