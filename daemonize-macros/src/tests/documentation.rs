//! The tables of the documentation are generated from the table of the keys, and every example in it is valid.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p daemonize-macros` rewrites them; then read the difference.

use std::{env, fs};

use super::errors;
use crate::keys::{self, Key};
use crate::kind::Kind;

const END: &str = "<!-- end of keys -->";

/// Asserts that the text between `begin` and the end comment is the table of these keys.
#[track_caller]
fn assert_table(file: &str, begin: &str, keys: impl Iterator<Item = &'static Key>, note: impl Fn(&Key) -> String) {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("failed to read `{path}`: {error}"));
    let (before, rest) = text.split_once(begin).unwrap_or_else(|| panic!("`{path}` has no `{begin}`"));
    let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("`{path}` has no `{END}`"));
    let rows = keys.map(|key| format!("| `{}` | {} | {}{} |\n", key.example, key.default, key.doc.trim(), note(key)));
    let rows: String = rows.collect();
    let found = format!("{before}{begin}\n| key | default | what it does |\n|---|---|---|\n{rows}{END}{after}");
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        return fs::write(&path, &found).expect("failed to write the documentation");
    }
    assert!(found == text, "the table in {path} is not that of the keys: UPDATE_SNAPSHOTS=1 rewrites it");
}

fn no_note(_: &Key) -> String {
    String::new()
}

#[test]
fn rustdoc_of_attributes_has_the_table_of_keys() {
    let only = |kind: Kind| keys::of(kind).filter(|key| key.kinds.len() == 1);
    let shared = keys::of(Kind::Run);
    assert_table("docs/run.md", "<!-- keys -->", shared, no_note);
    assert_table("docs/step.md", "<!-- keys -->", only(Kind::Step), no_note);
    assert_table("docs/message.md", "<!-- keys -->", only(Kind::Message), no_note);
    assert_table("docs/message.md", "<!-- keys of retry -->", only(Kind::Retry), no_note);
    for (begin, kind) in [
        ("<!-- keys of log -->", Kind::Log),
        ("<!-- keys of cli -->", Kind::Cli),
        ("<!-- keys of service -->", Kind::Service),
    ] {
        assert_table("docs/run.md", begin, only(kind), no_note);
        assert_table("../docs/guide/keys.md", begin, only(kind), no_note);
    }
    assert_table("docs/instance.md", "<!-- keys -->", only(Kind::Instance), no_note);
    assert_table("docs/init.md", "<!-- keys -->", only(Kind::Init), no_note);
}

/// One document holds the keys of all daemons: the README, or the guide's page about keys.
#[test]
fn document_of_all_keys_has_the_table_of_keys() {
    let daemons = [Kind::Run, Kind::Step, Kind::Message];
    let of_daemons = || keys::KEYS.iter().filter(|key| daemons.iter().any(|kind| key.kinds.contains(kind)));
    let has_table = |file: &&str| {
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(path).is_ok_and(|text| text.contains("<!-- keys -->"))
    };
    let documents: Vec<&str> = ["../README.md", "../docs/guide/keys.md"].into_iter().filter(has_table).collect();
    assert!(!documents.is_empty(), "no document has the table of all keys");
    for document in documents {
        assert_table(document, "<!-- keys -->", of_daemons(), |key| match key.kinds {
            [kind] => format!(" (`{kind}` only)"),
            _ => String::new(),
        });
    }
}

#[test]
fn example_of_every_key_is_accepted() {
    for key in keys::KEYS {
        assert!(key.purpose().starts_with(char::is_lowercase), "`{}` does not continue a sentence", key.purpose());
        // A key that belongs to another one is shown with it.
        let needs = match key.name {
            "on_mismatch" | "greeting_timeout" | "connect_timeout" | "protocol" | "constraint" => {
                "on_demand = \"10m\", "
            }
            "environment" => "launch = exec, ",
            _ => "",
        };
        let asynchronous = if matches!(key.name, "runtime" | "worker_threads") { "async " } else { "" };
        for kind in key.kinds {
            let example = match (kind, key.name) {
                (Kind::Message, "from") => key.example.to_owned(),
                (Kind::Message, _) => format!("from = f, {needs}{}", key.example),
                (Kind::Retry, _) => format!("from = f, retry = {{ {} }}", key.example),
                (Kind::Log, _) => format!("log({})", key.example),
                (Kind::Cli, _) => format!("cli({})", key.example),
                (Kind::Service, _) => format!("service({})", key.example),
                _ => format!("{needs}{}", key.example),
            };
            let (kind, item) = match kind {
                Kind::Instance | Kind::Init => (*kind, "fn main() {}".to_owned()),
                Kind::Message if key.name == "cli" => (Kind::Message, "fn main(job: Job) {}".to_owned()),
                Kind::Message | Kind::Retry => (Kind::Message, format!("{asynchronous}fn handle(job: Job) {{}}")),
                Kind::Log | Kind::Service => (Kind::Run, "fn f() {}".to_owned()),
                Kind::Cli => (Kind::Run, "fn main() {}".to_owned()),
                _ if key.name == "cli" => (*kind, "fn main() {}".to_owned()),
                _ => (*kind, format!("{asynchronous}fn f() {{}}")),
            };
            // A key that needs a feature says so without it.
            let found = errors(kind, &example, &item);
            let found = found.iter().filter(|(message, _)| !message.contains("needs the feature"));
            assert_eq!(found.collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "`{example}`");
        }
    }
}
