//! Tests of the configuration: accepted ones, and each mistake that is rejected.

mod accepted;
mod checks;
mod defaults;
mod diagnostics;
mod documentation;
mod env_files;
mod from_builder;
mod instances;
mod legacy;
mod listen;
mod program_warnings;
#[cfg(feature = "schedule")]
mod schedule;
mod schema;
mod trusted_file;
mod variables;

use super::Config;

/// Variables that are set.
fn variables(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/me".into()),
        "PORT" => Some("8080".into()),
        "COUNT" => Some("2".into()),
        "NO" => Some("false".into()),
        "DB" => Some("db".into()),
        "INSTANCE" => Some("of the environment".into()),
        "EVIL" => Some("$(reboot) `id` ; $PORT".into()),
        _ => None,
    }
}

/// Parses a text as the contents of `/etc/bots.toml`.
fn config(text: &str) -> Config {
    Config::parse("/etc/bots.toml", text, &variables).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes}"))
}

/// The mistakes in a text, one on each line, without the file's name.
fn mistakes(text: &str) -> String {
    match Config::parse("/etc/bots.toml", text, &variables) {
        Ok(_) => String::new(),
        Err(mistakes) => mistakes.to_string().replace("/etc/bots.toml:", ""),
    }
}
