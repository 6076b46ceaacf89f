//! The rules of the source itself: which module uses which, where `unsafe` may stand, how long a file may be.

mod circles;
mod engine_layers;
mod layers;
mod module_graph;

use std::collections::BTreeSet;
use std::path::Path;

use crate::source::{self, all_files, read, root};

const MAX_FILE_LINES: usize = 300;

/// The core knows neither HTTP nor the crates that speak it; dependencies point one way.
#[test]
fn crates_depend_in_one_direction() {
    let manifest = |library: &str| read(&root().join(library).join("Cargo.toml"));
    let names = |library: &str, other: &str| manifest(library).lines().any(|line| line.starts_with(other));
    assert!(names("daemonize-control", "daemonize-core"));
    for (library, other) in [
        ("daemonize-core", "daemonize-control"),
        ("daemonize-core", "axum"),
        ("daemonize-core", "hyper"),
        ("daemonize-core", "libc"),
        ("daemonize-control", "libc"),
        ("daemonize-monitor", "libc"),
        ("daemonize-macros", "daemonize-"),
        ("daemonize-control", "daemonize-macros"),
        ("daemonize-core", "daemonize-monitor"),
        ("daemonize-control", "daemonize-monitor"),
        ("daemonize-monitor", "daemonize-macros"),
        ("daemonize-core", "daemonize-cli"),
        ("daemonize-core", "daemonize-service"),
        ("daemonize-core", "daemonize-logging"),
        ("daemonize-core", "clap"),
        ("daemonize-control", "daemonize-cli"),
        ("daemonize-service", "daemonize-cli"),
        ("daemonize-service", "clap"),
        ("daemonize-logging", "daemonize-cli"),
        ("daemonize-cli", "libc"),
        ("daemonize-service", "libc"),
        ("daemonize-logging", "libc"),
        ("daemonize-exec", "libc"),
        ("daemonize-on-demand", "libc"),
        ("daemonize-scope", "libc"),
        ("daemonize-core", "daemonize-exec"),
        ("daemonize-core", "serde"),
        ("daemonize-exec", "daemonize-on-demand"),
        ("daemonize-on-demand", "zbus"),
        ("daemonize-on-demand", "daemonize-scope"),
    ] {
        assert!(!names(library, other), "{library} depends on {other}");
    }
    // Examples in its documentation may import what users import.
    let sys = manifest("daemonize-sys");
    let dependencies = sys.split("[dev-dependencies]").next().unwrap_or_default();
    assert!(!dependencies.lines().any(|line| line.starts_with("daemonize-")), "{dependencies}");
}

/// The libraries share public items of the core and of `daemonize-sys`; only expanded attributes may use `__private`.
#[test]
fn libraries_use_no_private_module_of_each_other() {
    let others = [
        "daemonize-cli",
        "daemonize-control",
        "daemonize-exec",
        "daemonize-logging",
        "daemonize-monitor",
        "daemonize-on-demand",
        "daemonize-scope",
        "daemonize-service",
    ]
    .map(|library| root().join(library));
    let found = lines_of_code(
        |path| others.iter().any(|library| path.starts_with(library)),
        |line| line.contains("daemonize_core::__private") || line.contains("daemonize_control::__private"),
    );
    assert!(found.is_empty(), "uses of a private module:\n{}", found.join("\n"));
}

#[test]
fn unsafe_is_in_sys_only() {
    let (sys, tests) = (root().join("daemonize-sys"), root().join("tests"));
    let is_tests = |path: &Path| {
        path.ends_with("tests/src/sys.rs")
            || path.starts_with(&tests) && path.components().any(|part| part.as_os_str() == "sys")
    };
    let allowed = |path: &Path| path.starts_with(&sys) || is_tests(path);
    let found = lines_of_code(|path| !allowed(path), |line| source::words(line).any(|word| word == "unsafe"));
    assert!(found.is_empty(), "unsafe outside sys:\n{}", found.join("\n"));
}

/// Promise 4.06. Two processes would know a token that derives from the state of a generator from before the fork. The core
/// has no secret, and nothing that could make one: neither a generator nor a map that is seeded by one.
#[test]
fn core_without_secrets_contains_no_random_source() {
    let makers = ["rand", "random", "getrandom", "RandomState", "HashMap", "HashSet", "DefaultHasher"];
    let core = root().join("daemonize-core/src");
    let found =
        lines_of_code(|path| path.starts_with(&core), |line| source::words(line).any(|word| makers.contains(&word)));
    assert!(found.is_empty(), "randomness in the core:\n{}", found.join("\n"));
    let manifest = read(&root().join("daemonize-core/Cargo.toml"));
    assert!(!manifest.lines().any(|line| line.starts_with("rand") || line.starts_with("getrandom")), "{manifest}");
}

#[test]
fn files_are_short() {
    let long = all_files().into_iter().map(|file| (read(&file).lines().count(), file));
    let long: Vec<String> = long
        .filter(|(lines, _)| *lines > MAX_FILE_LINES)
        .map(|(lines, file)| format!("{lines} {}", file.display()))
        .collect();
    assert!(long.is_empty(), "longer than {MAX_FILE_LINES} lines:\n{}", long.join("\n"));
}

/// The minimum supported Rust version does not have let-chains.
#[test]
fn files_contain_no_let_chains() {
    let mut found = Vec::new();
    for file in all_files() {
        found.extend(source::let_chains(&read(&file)).map(|line| format!("{}:{line}", file.display())));
    }
    assert!(found.is_empty(), "let-chains:\n{}", found.join("\n"));
}

#[test]
fn promises_named_by_tests_exist() {
    let promises: BTreeSet<String> = source::promises(&read(&root().join("docs/promises.md"))).collect();
    assert!(promises.contains("1.01") && promises.len() > 50, "the list of promises is incomplete: {promises:?}");
    let mut unknown = Vec::new();
    for file in all_files() {
        unknown.extend(
            source::named_promises(&read(&file))
                .filter(|number| !promises.contains(number))
                .map(|number| format!("{number} in {}", file.display())),
        );
    }
    assert!(unknown.is_empty(), "no such promise: {unknown:?}");
}

#[test]
fn crates_pin_each_other_to_one_version() {
    let manifest = read(&root().join("Cargo.toml"));
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = ")).expect("a version");
    let version = version.trim_matches('"');
    let [cli, service, logging] =
        ["cli", "service", "logging"].map(|library| read(&root().join(format!("daemonize-{library}/Cargo.toml"))));
    let control = read(&root().join("daemonize-control/Cargo.toml"));
    let core = read(&root().join("daemonize-core/Cargo.toml"));
    let monitor = read(&root().join("daemonize-monitor/Cargo.toml"));
    for (manifest, dependency) in [
        (&manifest, "daemonize-cli"),
        (&manifest, "daemonize-control"),
        (&manifest, "daemonize-logging"),
        (&cli, "daemonize-core"),
        (&cli, "daemonize-logging"),
        (&cli, "daemonize-service"),
        (&service, "daemonize-core"),
        (&service, "daemonize-sys"),
        (&logging, "daemonize-core"),
        (&manifest, "daemonize-core"),
        (&manifest, "daemonize-macros"),
        (&core, "daemonize-sys"),
        (&monitor, "daemonize-sys"),
        (&control, "daemonize-core"),
        (&control, "daemonize-sys"),
        (&monitor, "daemonize-core"),
        (&monitor, "daemonize-control"),
    ] {
        let line = manifest.lines().find(|line| line.starts_with(&format!("{dependency} = "))).expect(dependency);
        assert!(line.contains(&format!("version = \"={version}\"")), "{line}");
    }
}

/// Returns the lines of code, without comments and literals, that are `wanted` in the files chosen by `looks_at`.
fn lines_of_code(looks_at: impl Fn(&Path) -> bool, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in all_files().iter().filter(|file| looks_at(file)) {
        let code = source::code(&read(file));
        let lines = code.lines().enumerate().filter(|(_, line)| wanted(line));
        found.extend(lines.map(|(index, line)| format!("{}:{}: {}", file.display(), index + 1, line.trim())));
    }
    found
}
