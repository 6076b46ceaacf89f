//! The shapes of values, in the terms of JSON Schema (draft 7), which editors of TOML understand.

use serde_json::{Map, Value, json};

/// A word, an address, a name: any string.
pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// A string, with values that an editor may offer.
pub(super) fn text_such_as(examples: &[&str]) -> Value {
    json!({ "type": "string", "examples": examples })
}

/// A duration, such as `"3s"`.
pub(super) fn duration() -> Value {
    text_such_as(&["500ms", "3s", "1h 30m"])
}

/// A size, such as `"10MB"`.
pub(super) fn size() -> Value {
    text_such_as(&["512KiB", "10MB", "1GiB"])
}

/// `true` or `false`, or a string with a variable that stands for it.
pub(super) fn boolean() -> Value {
    any_of([json!({ "type": "boolean" }), variable()])
}

/// A whole number, or a string with a variable that stands for it.
pub(super) fn integer(least: i64, most: i64) -> Value {
    any_of([json!({ "type": "integer", "minimum": least, "maximum": most }), variable()])
}

/// A number, or a string with a variable that stands for it.
pub(super) fn number(least: i64, most: i64) -> Value {
    any_of([json!({ "type": "number", "minimum": least, "maximum": most }), variable()])
}

/// A string with a variable in it, where another type is expected.
fn variable() -> Value {
    json!({ "type": "string", "pattern": "\\$" })
}

/// One of these words, or a string with a variable that stands for one.
pub(super) fn word(words: &[&str]) -> Value {
    any_of([json!({ "enum": words }), variable()])
}

pub(super) fn list(item: &Value) -> Value {
    json!({ "type": "array", "items": item })
}

/// One value, or a list of them.
pub(super) fn one_or_list(item: Value) -> Value {
    let items = list(&item);
    any_of([item, items])
}

/// A program and its arguments.
pub(super) fn argv() -> Value {
    json!({ "type": "array", "items": text(), "minItems": 1 })
}

/// A table with these keys, and no others.
pub(super) fn table<'a>(keys: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let properties: Map<String, Value> = keys.into_iter().map(|(key, shape)| (key.to_owned(), shape)).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// A table whose keys are names.
pub(super) fn table_of(item: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": item })
}

/// A value of any of these shapes.
pub(super) fn any_of(shapes: impl IntoIterator<Item = Value>) -> Value {
    // One choice between all, instead of choices within choices, whose errors editors do not explain.
    let flat = shapes.into_iter().flat_map(|shape| match shape.get("anyOf") {
        Some(Value::Array(inner)) => inner.clone(),
        _ => vec![shape],
    });
    json!({ "anyOf": flat.collect::<Vec<_>>() })
}

/// Adds what an editor shows beside the key.
pub(super) fn described(mut shape: Value, text: &str) -> Value {
    shape["description"] = text.into();
    shape
}
