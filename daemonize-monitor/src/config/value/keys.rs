//! The keys of a table: known ones, and an error for each other one.

use super::toml_value::Value;
use crate::config::suggestion::{listed, nearest};
use std::collections::BTreeMap;

/// The most keys that a message lists.
const MAX_LISTED: usize = 15;

/// Keys of other supervisors, and what is written here instead.
pub(in crate::config) type Hints = &'static [(&'static str, &'static str)];

impl<'a> Value<'a> {
    /// The values of a table in which only these keys are known, by key.
    pub(in crate::config) fn keys(&self, known: &'static [&'static str], hints: Hints) -> Option<Keys<'a>> {
        let values = self.table(&format!("a table with {}", listed(known.iter().copied(), "and")))?;
        Some(known_only(values, known, hints))
    }
}

/// The values of a table whose keys are known, and those of another table that hold where it says nothing.
pub(in crate::config) struct Keys<'a> {
    own: BTreeMap<&'a str, Value<'a>>,
    defaults: BTreeMap<&'a str, Value<'a>>,
}

impl<'a> Keys<'a> {
    /// Adds the values that hold where this table says nothing.
    pub(in crate::config) fn with_defaults(mut self, defaults: Option<Keys<'a>>) -> Keys<'a> {
        self.defaults = defaults.map(|keys| keys.own).unwrap_or_default();
        self
    }

    /// Returns the value of this table, or else the default.
    pub(in crate::config) fn get(&self, key: &str) -> Option<Value<'a>> {
        self.own(key).or_else(|| self.default(key))
    }

    /// Returns the value of this table.
    pub(in crate::config) fn own(&self, key: &str) -> Option<Value<'a>> {
        self.own.get(key).copied()
    }

    /// Returns the default, also if this table has a value.
    pub(in crate::config) fn default(&self, key: &str) -> Option<Value<'a>> {
        self.defaults.get(key).copied()
    }

    /// Sets what the key says, if it is there and right.
    pub(in crate::config) fn set<T>(&self, key: &str, into: &mut T, read: impl Fn(Value<'a>) -> Option<T>) {
        if let Some(value) = self.get(key).and_then(read) {
            *into = value;
        }
    }

    /// Sets an optional value.
    pub(in crate::config) fn set_some<T>(
        &self,
        key: &str,
        into: &mut Option<T>,
        read: impl Fn(Value<'a>) -> Option<T>,
    ) {
        self.set(key, into, |value| read(value).map(Some));
    }
}

/// The values whose keys are known; each other one is a mistake.
pub(in crate::config) fn known_only<'a>(values: Vec<Value<'a>>, known: &[&str], hints: Hints) -> Keys<'a> {
    let mut found = BTreeMap::new();
    for value in values {
        if known.contains(&value.key) {
            found.insert(value.key, value);
        } else {
            value.source.mistake(value.key_place(), unknown(value.key, known, hints));
        }
    }
    Keys { own: found, defaults: BTreeMap::new() }
}

fn unknown(key: &str, known: &[&str], hints: Hints) -> String {
    if let Some((_, instead)) = hints.iter().find(|(theirs, _)| *theirs == key) {
        return format!("unknown key `{key}`: {instead}");
    }
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("unknown key `{key}`: did you mean `{near}`?"),
        None if known.len() > MAX_LISTED => {
            format!("unknown key `{key}`: no known key resembles it: `daemonctl schema` prints them all")
        }
        None => format!("unknown key `{key}`: known are {}", listed(known.iter().copied(), "and")),
    }
}
