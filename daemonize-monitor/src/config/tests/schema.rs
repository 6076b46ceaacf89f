//! The JSON schema knows what the readers know, and accepts what the documentation shows.

use super::mistakes;
use crate::config::{bot_keys, monitor_keys, schema};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Returns the first place at which a value is not of a shape. Only the words that the schema uses are understood.
fn wrong(shape: &Value, value: &Value, at: &str) -> Option<String> {
    let Value::Object(shape) = shape else { return None };
    shape.iter().find_map(|(word, limit)| {
        let is_right = match (&**word, value) {
            ("type", _) => is_of_type(limit.as_str().unwrap(), value),
            ("enum", _) => limit.as_array().unwrap().contains(value),
            ("const", _) => limit == value,
            ("pattern", Value::String(text)) => {
                assert_eq!(limit, "\\$", "the only pattern that is understood here");
                text.contains('$')
            }
            ("minimum", Value::Number(number)) => number.as_f64() >= limit.as_f64(),
            ("maximum", Value::Number(number)) => number.as_f64() <= limit.as_f64(),
            ("minItems", Value::Array(items)) => items.len() as u64 >= limit.as_u64().unwrap(),
            ("maxItems", Value::Array(items)) => items.len() as u64 <= limit.as_u64().unwrap(),
            ("anyOf", _) => limit.as_array().unwrap().iter().any(|choice| wrong(choice, value, at).is_none()),
            ("items", Value::Array(items)) => return items.iter().find_map(|item| wrong(limit, item, at)),
            ("required", Value::Object(table)) => {
                limit.as_array().unwrap().iter().all(|key| table.contains_key(key.as_str().unwrap()))
            }
            ("properties", Value::Object(table)) => {
                return table.iter().find_map(|(key, value)| wrong(limit.get(key)?, value, &format!("{at}.{key}")));
            }
            ("additionalProperties", Value::Object(table)) => {
                let others = table
                    .iter()
                    .filter(|(key, _)| shape.get("properties").is_none_or(|known| known.get(key).is_none()));
                let mut others = others.map(|(key, value)| (format!("{at}.{key}"), value));
                return match limit {
                    Value::Bool(false) => others.next().map(|(at, _)| format!("{at}: unknown")),
                    limit => others.find_map(|(at, value)| wrong(limit, value, &at)),
                };
            }
            // Words that say nothing about values, or about values of this type.
            (
                "$schema"
                | "title"
                | "description"
                | "examples"
                | "pattern"
                | "minimum"
                | "maximum"
                | "minItems"
                | "maxItems"
                | "items"
                | "properties"
                | "additionalProperties"
                | "required",
                _,
            ) => true,
            (word, _) => panic!("{word} is not understood"),
        };
        (!is_right).then(|| format!("{at}: not {word} {limit}"))
    })
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is not understood"),
    }
}

fn of_toml(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Integer(number) => json!(i64::from_str_radix(number.as_str(), number.radix()).unwrap()),
        DeValue::Float(number) => json!(number.as_str().parse::<f64>().unwrap()),
        DeValue::Boolean(truth) => json!(truth),
        DeValue::Datetime(time) => json!(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| of_toml(item.get_ref())).collect(),
        DeValue::Table(table) => of_table(table),
    }
}

fn of_table(table: &DeTable<'_>) -> Value {
    let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), of_toml(value.get_ref())));
    Value::Object(entries.collect())
}

/// Returns the first mistake in a configuration by the schema.
fn wrong_by_schema(text: &str) -> Option<String> {
    let table = DeTable::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    wrong(&schema::document(), &of_table(table.get_ref()), "")
}

#[test]
fn every_key_of_a_reader_has_a_shape_and_a_description() {
    let document = schema::document();
    let of_bot = &document["properties"]["bot"]["additionalProperties"]["properties"];
    let of_monitor = &document["properties"]["monitor"]["properties"];
    for (keys, shapes, file) in
        [(bot_keys::KEYS, of_bot, "bot_schema.rs"), (monitor_keys::KEYS, of_monitor, "monitor_schema.rs")]
    {
        for key in keys {
            assert!(shapes[key].is_object(), "`{key}` has no shape: add one to config/schema/{file}");
            assert!(shapes[key]["description"].is_string(), "`{key}`");
        }
    }
    let defaults = &document["properties"]["defaults"]["properties"];
    assert!(defaults["restart"].is_object() && defaults["command"].is_null() && defaults["listen"].is_null());
}

/// The sets of keys of the tables that a shape allows.
fn tables(shape: &Value) -> Vec<BTreeSet<String>> {
    let choices = shape["anyOf"].as_array().map_or(std::slice::from_ref(shape), Vec::as_slice);
    let keys = |choice: &Value| Some(choice["properties"].as_object()?.keys().cloned().collect());
    choices.iter().filter_map(keys).collect()
}

/// A reader names all keys of a table in its message about an unknown one.
#[test]
fn tables_have_the_keys_that_their_readers_know() {
    let document = schema::document();
    let of_bot = &document["properties"]["bot"]["additionalProperties"]["properties"];
    let of_monitor = &document["properties"]["monitor"]["properties"];
    let bot = "[bot.web]\ncommand = \"/bin/true\"";
    let mut compared = 0;
    for (header, keys, shapes) in [(bot, bot_keys::KEYS, of_bot), ("[monitor]", monitor_keys::KEYS, of_monitor)] {
        for key in keys {
            let known = tables(&shapes[key]);
            if known.is_empty() {
                continue;
            }
            let told = mistakes(&format!("{header}\n{key} = {{ zzqqzz = 1 }}\n"));
            let names = told.split_once("unknown key `zzqqzz`: known are ").expect(key).1.lines().next().unwrap();
            let names: BTreeSet<String> = names.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            assert!(known.contains(&names), "`{key}`: the reader knows {names:?}, the schema {known:?}");
            compared += 1;
        }
    }
    assert!(compared >= 8, "{compared}");
}

#[test]
fn every_configuration_in_the_documentation_fits_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut seen = 0;
    for directory in ["docs", "docs/guide"] {
        for file in std::fs::read_dir(root.join(directory)).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
            let is_ours =
                |block: &&str| ["[bot.", "[monitor]", "[defaults]"].iter().any(|header| block.contains(header));
            for block in blocks.filter(is_ours) {
                assert_eq!(wrong_by_schema(block), None, "{}:\n{block}", file.display());
                seen += 1;
            }
        }
    }
    let example = std::fs::read_to_string(root.join("examples/monitor/monitor.toml")).unwrap();
    assert_eq!(wrong_by_schema(&example), None);
    assert_eq!(wrong_by_schema(include_str!("../../bin/daemonctl/commands/starter.toml")), None);
    assert!(seen >= 4, "{seen}");
}

#[test]
fn schema_refuses_what_the_readers_refuse() {
    let of = |line: &str| wrong_by_schema(&format!("[bot.web]\ncommand = \"/bin/true\"\n{line}\n"));
    for line in ["instances = 3", "instances = \"cpus\"", "instances = \"${N:-3}\"", "stop = { signal = \"INT\" }"] {
        assert_eq!(of(line), None, "{line}");
    }
    for line in [
        "comand = 1",
        "instances = 0",
        "instances = \"3\"",
        "autostart = \"yes\"",
        "args = \"-v\"",
        "restart = \"sometimes\"",
        "limit = { exit = 5 }",
        "stop = [{ signal = 1 }]",
        "ready = { tpc = \"127.0.0.1:80\" }",
        "env = { PORT = 80 }",
        "schedule = { evry = \"1h\" }",
    ] {
        assert!(
            of(line).is_some() && !mistakes(&format!("[bot.web]\ncommand = \"/bin/true\"\n{line}\n")).is_empty(),
            "{line}"
        );
    }
    assert!(wrong_by_schema("[bot.web]\nargs = []\n").is_some());
    assert!(wrong_by_schema("[defaults]\ncommand = \"/x\"\n").is_some());
    assert!(wrong_by_schema("[bots.web]\n").is_some());
}
