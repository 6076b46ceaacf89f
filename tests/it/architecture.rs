//! The rules of the source itself: who may use whom, where `unsafe` may stand, how long a file may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source;

/// The rooms of a library, by floor.
type Floors = &'static [(u8, &'static [&'static str])];

/// The rooms of `daemonize-sys`, by floor.
const FLOORS_OF_SYS: Floors = &[
    (5, &["lib"]),
    (4, &["places", "spawn", "action"]),
    (3, &["trust", "stray", "signalfd", "pidfd", "handler", "env"]),
    (2, &["proc", "wait", "siginfo", "mask", "dispositions", "fork", "exec", "capabilities", "keyring"]),
    (2, &["account", "main_process", "fds", "table", "datagram"]),
    (1, &["signal", "capability", "pid", "error"]),
    (0, &["outlined", "device", "escape", "mutex", "cvt", "wakeup", "thread"]),
];

/// The rooms of `daemonize-core`, by floor: an item uses its own room and floors below.
const FLOORS: Floors = &[
    (10, &["lib", "__private", "__fuzz"]),
    (9, &["daemon"]),
    (8, &["launch", "testing"]),
    (7, &["api"]),
    (6, &["self_restart"]),
    (5, &["reach", "context"]),
    (4, &["pidfile", "settings", "handoff"]),
    (3, &["process", "program", "signals", "sd_notify"]),
    (2, &["error", "sys", "attach", "body"]),
    (1, &["stage", "signal", "capability", "pid", "stop_flag", "stdout", "report", "counters", "event", "shutdown"]),
    (0, &["mutex", "escape", "syslog", "first_look", "thread"]),
];

/// The same for `daemonize-control`.
const FLOORS_OF_CONTROL: Floors = &[
    (7, &["lib", "__fuzz"]),
    (6, &["instance"]),
    (5, &["endpoint", "client"]),
    (4, &["server", "shadowed_routes"]),
    (3, &["routes"]),
    (2, &["access", "events", "status", "place"]),
    (1, &["refusal", "token", "json", "address", "blocking", "leftovers"]),
];

/// The same for `daemonize-monitor`, but for its program, which is a house of its own.
const FLOORS_OF_MONITOR: Floors = &[
    (11, &["lib", "__fuzz", "__daemonctl"]),
    (10, &["monitor"]),
    (9, &["configured"]),
    (8, &["listener"]),
    (7, &["reloader", "restart_check"]),
    (6, &["engine", "commands"]),
    (5, &["command_queue"]),
    (4, &["usage", "journal", "config", "json"]),
    (3, &["process", "reload", "status", "record", "registry", "spawner"]),
    (2, &["policy", "logs", "notify", "settings", "program"]),
    (1, &["bot", "cancellation", "counts", "duration", "error", "page", "secret", "sys"]),
];

/// The parts of the monitor's engine, by floor: a part is a file, or a directory whose files belong together.
const FLOORS_OF_ENGINE: Floors = &[
    (8, &["mod"]),
    (7, &["commands"]),
    (6, &["reload", "shutdown"]),
    (5, &["adopt", "explain"]),
    (4, &["supervisor"]),
    (3, &["children", "outsiders", "streams"]),
    (2, &["orphans", "reactor"]),
    (1, &["token", "units"]),
    (0, &["bot_state", "dependencies", "pending_reply", "processes", "slots", "subscribers"]),
    (0, &["descriptors", "inherited", "stray_signals"]),
];

/// A file longer than this is two files.
const LONGEST_FILE: usize = 400;

#[test]
fn rooms_of_the_core_use_only_the_floors_below() {
    rooms_use_only_the_floors_below("daemonize-core", FLOORS);
}

#[test]
fn rooms_of_sys_use_only_the_floors_below() {
    rooms_use_only_the_floors_below("daemonize-sys", FLOORS_OF_SYS);
}

#[test]
fn rooms_of_the_control_use_only_the_floors_below() {
    rooms_use_only_the_floors_below("daemonize-control", FLOORS_OF_CONTROL);
}

#[test]
fn rooms_of_the_monitor_use_only_the_floors_below() {
    rooms_use_only_the_floors_below("daemonize-monitor", FLOORS_OF_MONITOR);
}

fn rooms_use_only_the_floors_below(library: &str, floors: Floors) {
    let sources = root().join(library).join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&sources).into_iter().filter(|file| !file.starts_with(sources.join("bin"))) {
        let inside = file.strip_prefix(&sources).unwrap();
        let own = room(inside);
        let Some(floor) = floor(floors, &own) else {
            wrong.push(format!("{}: `{own}` has no floor", inside.display()));
            continue;
        };
        for (line, used) in source::uses_of_the_root(&read(&file), inside.components().count() == 1) {
            if used != own && self::floor(floors, &used).is_none_or(|below| below >= floor) {
                wrong.push(format!("{}:{line}: `{own}` uses `{used}`", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "not downwards:\n{}", wrong.join("\n"));
}

/// Neither by name nor through the `self` of the struct that they share does a part of the engine reach one beside or above it.
/// The files of `supervisor` hand events and actions to each other: they are one part.
#[test]
fn parts_of_the_engine_use_only_the_floors_below() {
    let engine = root().join("daemonize-monitor/src/engine");
    let mut wrong = Vec::new();
    let mut methods: Vec<(String, BTreeSet<String>, BTreeSet<String>)> = Vec::new();
    for file in rust_files(&engine) {
        let inside = file.strip_prefix(&engine).unwrap();
        let (own, source) = (room(inside), read(&file));
        let at_the_top = inside.components().count() == 1;
        let prefixes: &[&str] = if at_the_top { &["super::", "crate::engine::"] } else { &["crate::engine::"] };
        for (line, used) in source::uses(&source, prefixes) {
            // A name with a capital is the struct of which this part has methods, or the whole of a parent in a test.
            let is_part = used.starts_with(|letter: char| letter.is_lowercase());
            if own != "mod" && is_part && used != own && !is_below(&used, &own) {
                wrong.push(format!("{}:{line}: `{own}` uses `{used}`", inside.display()));
            }
        }
        let (defined, called) = source::methods(&source);
        methods.push((own, defined, called));
    }
    for (own, defined, called) in methods.iter().filter(|(own, ..)| own != "supervisor") {
        for name in called.difference(defined) {
            let others = methods.iter().filter(|(other, theirs, _)| other != "supervisor" && theirs.contains(name));
            let others: Vec<&str> = others.map(|(other, ..)| other.as_str()).collect();
            if !others.is_empty() && !others.iter().any(|other| other == own || is_below(other, own)) {
                wrong.push(format!("`{own}` calls `{name}` of `{}`", others.join("` or `")));
            }
        }
    }
    assert!(wrong.is_empty(), "not downwards:\n{}", wrong.join("\n"));
}

/// Returns `true` if a part of the engine is on a floor below that of another one.
fn is_below(part: &str, other: &str) -> bool {
    let [part, other] = [part, other]
        .map(|part| floor(FLOORS_OF_ENGINE, part).unwrap_or_else(|| panic!("`{part}` of the engine has no floor")));
    part < other
}

/// What the core does not know: neither HTTP nor whoever speaks it. The arrows point one way.
#[test]
fn the_control_knows_the_core_and_not_the_other_way_round() {
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
    ] {
        assert!(!names(library, other), "{library} depends on {other}");
    }
    // But for the examples in its documentation, which import what users do.
    let sys = manifest("daemonize-sys");
    let dependencies = sys.split("[dev-dependencies]").next().unwrap_or_default();
    assert!(!dependencies.lines().any(|line| line.starts_with("daemonize-")), "{dependencies}");
}

/// Shared items of the libraries are public in the core, or in `daemonize-sys`; `__private` is the attributes' alone.
#[test]
fn libraries_use_no_private_module_of_each_other() {
    let others = ["daemonize-control", "daemonize-monitor"].map(|library| root().join(library));
    let found = lines_of_code(
        |path| others.iter().any(|library| path.starts_with(library)),
        |line| line.contains("daemonize_core::__private") || line.contains("daemonize_control::__private"),
    );
    assert!(found.is_empty(), "uses of a private module:\n{}", found.join("\n"));
}

#[test]
fn unsafe_stands_in_sys_only() {
    let (sys, tests) = (root().join("daemonize-sys"), root().join("tests"));
    let is_tests = |path: &Path| {
        path.ends_with("tests/src/sys.rs")
            || path.starts_with(&tests) && path.components().any(|part| part.as_os_str() == "sys")
    };
    let allowed = |path: &Path| path.starts_with(&sys) || is_tests(path);
    let found = lines_of_code(|path| !allowed(path), |line| source::words(line).any(|word| word == "unsafe"));
    assert!(found.is_empty(), "unsafe outside sys:\n{}", found.join("\n"));
}

/// A token that derives from the state of a generator from before the fork would be known to two processes. The core has
/// no secret, and so nothing that could make one: no generator, and no map that is seeded by one.
#[test]
fn p4_06_the_core_holds_no_state_that_secrets_derive_from() {
    let makers = ["rand", "random", "getrandom", "RandomState", "HashMap", "HashSet", "DefaultHasher"];
    let core = root().join("daemonize-core/src");
    let found =
        lines_of_code(|path| path.starts_with(&core), |line| source::words(line).any(|word| makers.contains(&word)));
    assert!(found.is_empty(), "randomness in the core:\n{}", found.join("\n"));
    let manifest = read(&root().join("daemonize-core/Cargo.toml"));
    assert!(!manifest.lines().any(|line| line.starts_with("rand") || line.starts_with("getrandom")), "{manifest}");
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let long = all_files().into_iter().map(|file| (read(&file).lines().count(), file));
    let long: Vec<String> = long
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, file)| format!("{lines} {}", file.display()))
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST_FILE} lines:\n{}", long.join("\n"));
}

/// The oldest Rust we promise does not have them.
#[test]
fn there_are_no_let_chains() {
    let mut found = Vec::new();
    for file in all_files() {
        found.extend(source::let_chains(&read(&file)).map(|line| format!("{}:{line}", file.display())));
    }
    assert!(found.is_empty(), "let-chains:\n{}", found.join("\n"));
}

#[test]
fn every_promise_a_test_names_exists() {
    let promises: BTreeSet<String> = source::promises(&read(&root().join("docs/promises.md"))).collect();
    assert!(promises.contains("1.01") && promises.len() > 50, "the list of promises is not what it was: {promises:?}");
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
fn the_crates_have_one_version_and_pin_each_other() {
    let manifest = read(&root().join("Cargo.toml"));
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = ")).expect("a version");
    let version = version.trim_matches('"');
    let control = read(&root().join("daemonize-control/Cargo.toml"));
    let core = read(&root().join("daemonize-core/Cargo.toml"));
    let monitor = read(&root().join("daemonize-monitor/Cargo.toml"));
    for (manifest, dependency) in [
        (&manifest, "daemonize-control"),
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

/// The checkout this test was built from.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around this package").to_owned()
}

fn room(path: &Path) -> String {
    let first = path.components().next().expect("a file name").as_os_str().to_string_lossy().into_owned();
    first.strip_suffix(".rs").map(str::to_owned).unwrap_or(first)
}

fn floor(floors: Floors, room: &str) -> Option<u8> {
    floors.iter().find(|(_, rooms)| rooms.contains(&room)).map(|(floor, _)| *floor)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("failed to read `{}`: {error}", path.display()))
}

/// Every source file of the workspace, but for those that are meant not to compile.
fn all_files() -> Vec<PathBuf> {
    let places = [
        "src",
        "daemonize-control",
        "daemonize-core",
        "daemonize-macros",
        "daemonize-monitor",
        "daemonize-sys",
        "examples",
        "tests/src",
        "tests/it",
        "tests/control",
        "tests/monitor",
        "benches",
    ];
    places.iter().flat_map(|place| rust_files(&root().join(place))).collect()
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The lines, without comments and texts, of the files one looks at.
fn lines_of_code(looks_at: impl Fn(&Path) -> bool, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in all_files().iter().filter(|file| looks_at(file)) {
        let code = source::code(&read(file));
        let lines = code.lines().enumerate().filter(|(_, line)| wanted(line));
        found.extend(lines.map(|(index, line)| format!("{}:{}: {}", file.display(), index + 1, line.trim())));
    }
    found
}
