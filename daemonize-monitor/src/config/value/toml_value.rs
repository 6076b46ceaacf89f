//! Converts TOML values to the types of keys, and reports an error at the location of a value of another type.

use crate::config::diagnostic::Location;
use crate::config::source_text::SourceText;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value, and the key it has.
#[derive(Clone, Copy)]
pub(in crate::config) struct Value<'a> {
    pub(in crate::config) source: &'a SourceText<'a>,
    pub(in crate::config) key: &'a str,
    /// The offset of the key.
    key_at: usize,
    pub(super) inner: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    /// Returns the location of its key.
    pub(in crate::config) fn key_place(&self) -> Location {
        self.source.place(self.key_at)
    }

    /// Returns its location.
    pub(in crate::config) fn place(&self) -> Location {
        self.source.place(self.inner.span().start)
    }

    /// Notes what is wrong with it.
    pub(in crate::config) fn wrong<T>(&self, text: impl Display) -> Option<T> {
        self.source.mistake(self.place(), format!("`{}`: {text}", self.key));
        None
    }

    /// Notes that it is of the wrong type.
    pub(super) fn should_be<T>(&self, what: &str) -> Option<T> {
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

    /// Expands a string value, and parses it with `parse`.
    pub(in crate::config) fn parsed<T>(&self, parse: impl Fn(&str) -> Result<T, String>, what: &str) -> Option<T> {
        if !self.is_text() {
            return self.should_be(what);
        }
        parse(&self.text()?).map_or_else(|wrong| self.wrong(wrong), Some)
    }

    /// Returns a boolean, or the string with a variable that stands for it.
    pub(in crate::config) fn truth(&self) -> Option<bool> {
        let what = "true or false";
        match self.inner.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            _ => self.scalar_of_variable(what),
        }
    }

    /// Returns a whole number in this range, or the string with a variable that stands for it.
    pub(in crate::config) fn integer(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = self.inner.get_ref() else {
            let found = self.scalar_of_variable(&what)?;
            return if range.contains(&found) { Some(found) } else { self.found_instead(&what, &found) };
        };
        match u32::from_str_radix(number.as_str(), number.radix()) {
            Ok(found) if range.contains(&found) => Some(found),
            _ => self.wrong(format!("expected {what}, found {number}")),
        }
    }

    /// Returns a whole number in this range, which may be negative, or the string with a variable that stands for it.
    pub(in crate::config) fn signed(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = self.inner.get_ref() else {
            let found = self.scalar_of_variable(&what)?;
            return if range.contains(&found) { Some(found) } else { self.found_instead(&what, &found) };
        };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(found) if range.contains(&found) => Some(found),
            _ => self.wrong(format!("expected {what}, found {number}")),
        }
    }

    /// Parses the string with a variable that stands for a number or a boolean.
    fn scalar_of_variable<T: FromStr>(&self, what: &str) -> Option<T> {
        if !self.has_variable() {
            return self.should_be(what);
        }
        let text = self.text()?;
        text.parse().ok().or_else(|| self.found_instead(what, &text))
    }

    fn found_instead<T>(&self, what: &str, found: &dyn Display) -> Option<T> {
        self.wrong(format!("expected {what}, found `{found}` by its variables"))
    }

    /// An integer that was written in octal digits, or anything else.
    pub(in crate::config) fn octal(&self) -> Option<String> {
        match self.inner.get_ref() {
            DeValue::Integer(number) if number.radix() == 8 => Some(number.as_str().to_owned()),
            _ => None,
        }
    }

    /// Returns a number in this range, whole or not, or the string with a variable that stands for it.
    pub(in crate::config) fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let what = format!("a number from {} to {}", range.start(), range.end());
        let found = match self.inner.get_ref() {
            DeValue::Integer(number) => number.as_str().parse::<f64>().ok().filter(|_| number.radix() == 10),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => Some(self.scalar_of_variable(&what)?),
        };
        match found {
            Some(found) if range.contains(&found) => Some(found),
            _ => self.wrong(format!("expected {what}")),
        }
    }

    /// A duration that may be zero.
    pub(in crate::config) fn wait(&self) -> Option<Duration> {
        self.parsed(crate::duration::parse, "a duration in quotes, such as \"3s\"")
    }

    /// A duration that may not be zero.
    pub(in crate::config) fn timeout(&self) -> Option<Duration> {
        match self.wait()? {
            Duration::ZERO => self.wrong("it must be longer than zero"),
            timeout => Some(timeout),
        }
    }

    /// Returns `true` if it is a list.
    pub(in crate::config) fn is_list(&self) -> bool {
        self.inner.get_ref().is_array()
    }

    pub(in crate::config) fn is_text(&self) -> bool {
        self.inner.get_ref().is_str()
    }

    /// The values of a list.
    pub(in crate::config) fn list(&self, what: &str) -> Option<Vec<Value<'a>>> {
        match self.inner.get_ref() {
            DeValue::Array(values) => Some(values.iter().map(|value| Value { inner: value, ..*self }).collect()),
            _ => self.should_be(what),
        }
    }

    /// The values of a table, in the order of the file.
    pub(in crate::config) fn table(&self, what: &str) -> Option<Vec<Value<'a>>> {
        match self.inner.get_ref() {
            DeValue::Table(table) => Some(entries(self.source, table)),
            _ => self.should_be(what),
        }
    }
}

/// The values of a table, in the order of the file.
pub(in crate::config) fn entries<'a>(source: &'a SourceText<'a>, table: &'a DeTable<'a>) -> Vec<Value<'a>> {
    let mut found: Vec<Value<'a>> = table
        .iter()
        .map(|(key, value)| Value { source, key: key.get_ref().as_ref(), key_at: key.span().start, inner: value })
        .collect();
    found.sort_by_key(|value| value.key_at);
    found
}
