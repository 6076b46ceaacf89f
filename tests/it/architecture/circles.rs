//! No circles: within a crate, no module uses another one that uses it in turn, directly or through others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::module_graph::ModuleGraph;
use crate::source::{read, root, rust_files};

const CRATES: &[&str] = &[
    "daemonize-cli/src",
    "daemonize-control/src",
    "daemonize-core/src",
    "daemonize-exec/src",
    "daemonize-logging/src",
    "daemonize-on-demand/src",
    "daemonize-scope/src",
    "daemonize-macros/src",
    "daemonize-monitor/src",
    "daemonize-service/src",
    "daemonize-monitor/src/bin/daemonctl",
    "daemonize-sys/src",
    "tests/src",
];

#[test]
fn modules_of_a_crate_form_no_circle() {
    let mut report = Vec::new();
    for name in CRATES {
        let graph = ModuleGraph::new(&modules_below(&root().join(name)));
        for circle in graph.circles() {
            report.push(format!("{name}: {}", circle.join(", ")));
            for module in &circle {
                let uses: Vec<&str> =
                    circle.iter().filter(|used| graph.uses(module, used)).map(String::as_str).collect();
                report.push(format!("    {module} uses {}", uses.join(", ")));
            }
        }
    }
    assert!(report.is_empty(), "circles of modules:\n{}", report.join("\n"));
}

/// Returns the sources of a crate by module path, without tests and binaries; the root's path is empty.
fn modules_below(sources: &Path) -> BTreeMap<String, String> {
    let mut modules = BTreeMap::new();
    for file in rust_files(sources) {
        let relative = file.strip_prefix(sources).unwrap().with_extension("");
        let mut path: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        if path.iter().any(|part| part == "tests" || part == "snapshots") || path[0] == "bin" {
            continue;
        }
        if path.last().is_some_and(|last| last == "mod") || path == ["lib"] || path == ["main"] {
            path.pop();
        }
        modules.insert(path.join("::"), read(&file));
    }
    assert!(modules.contains_key(""), "`{}` has no root module", sources.display());
    modules
}

fn circles_of(modules: &[(&str, &str)]) -> Vec<Vec<String>> {
    let modules = modules.iter().map(|(path, source)| ((*path).to_owned(), (*source).to_owned())).collect();
    ModuleGraph::new(&modules).circles()
}

#[test]
fn circle_of_siblings_is_found_by_crate_super_and_self_paths() {
    let by_crate = circles_of(&[("", "mod a; mod b;"), ("a", "use crate::b::B;"), ("b", "fn f() { crate::a::g() }")]);
    assert_eq!(by_crate, [["a", "b"]]);
    let siblings = circles_of(&[
        ("", ""),
        ("p", ""),
        ("p::a", "use super::{b::B, c::C};"),
        ("p::b", "use super::a;"),
        ("p::c", ""),
    ]);
    assert_eq!(siblings, [["p::a", "p::b"]]);
    let parent_and_child =
        circles_of(&[("", ""), ("p", "mod c; fn f() { self::c::g() }\nstruct S;"), ("p::c", "use super::S;")]);
    assert_eq!(parent_and_child, [["p", "p::c"]]);
    let by_child_path = circles_of(&[("", ""), ("p", "mod c; use c::{T};\nstruct S;"), ("p::c", "use super::*;")]);
    assert_eq!(by_child_path, [["p", "p::c"]]);
}

#[test]
fn circle_of_three_is_found_once() {
    let found = circles_of(&[
        ("", ""),
        ("a", "use crate::b;"),
        ("b", "use crate::c;"),
        ("c", "use crate::a;"),
        ("d", "use crate::a;"),
    ]);
    assert_eq!(found, [["a", "b", "c"]]);
}

#[test]
fn reexport_is_resolved_to_the_defining_module() {
    // `p` only re-exports `T`; `p::b` uses `p::a`, not `p`.
    let modules =
        [("", ""), ("p", "mod a; mod b; pub use a::T;"), ("p::a", "pub struct T;"), ("p::b", "use super::T;")];
    assert_eq!(circles_of(&modules), Vec::<Vec<String>>::new());
    // A parent that uses what it re-exports depends on its child.
    let used = [("", ""), ("p", "pub use a::T; fn f(t: T) {}\nstruct S;"), ("p::a", "use super::S;")];
    assert_eq!(circles_of(&used), [["p", "p::a"]]);
    // Through the re-export of the root.
    let root = [("", "pub use a::T; pub use b::U;"), ("a", "use crate::U;"), ("b", "use crate::T;")];
    assert_eq!(circles_of(&root), [["a", "b"]]);
}

#[test]
fn tests_comments_and_other_crates_form_no_circle() {
    let modules = [
        ("", ""),
        ("a", "use crate::b::B; use std::b::C; // crate::a::X"),
        ("b", "/// See `crate::a`.\nfn f() { other::a::g() }\n#[cfg(test)]\nmod tests { use crate::a::A; }"),
    ];
    assert_eq!(circles_of(&modules), Vec::<Vec<String>>::new());
}

#[test]
fn every_crate_is_read() {
    let names: BTreeSet<usize> = CRATES.iter().map(|name| modules_below(&root().join(name)).len()).collect();
    assert!(names.first().is_some_and(|least| *least > 5), "{names:?}");
}
