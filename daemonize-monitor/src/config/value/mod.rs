//! The values of a TOML file: converted to the types of keys, with an error at the location of a value of another type.

mod expansion;
mod keys;
mod toml_value;

pub(in crate::config) use keys::{Hints, Keys, known_only};
pub(in crate::config) use toml_value::{Value, entries};
