//! The layers of the monitor's engine, whose parts share one struct.

use std::collections::BTreeSet;

use super::layers::{Layers, first_component, layer_of};
use crate::source::{self, read, root, rust_files};

/// The layers of the monitor's engine. A part is a file, or a directory whose files belong together.
const ENGINE_LAYERS: Layers = &[
    (11, &["mod"]),
    (10, &["event_loop"]),
    (9, &["commands", "exit_condition"]),
    (8, &["bot_detail", "bulk_commands", "log_requests", "reload", "shutdown"]),
    (7, &["bot_lookup", "pending_reason", "restart"]),
    (6, &["dependents", "state"]),
    (5, &["auxiliary_leftovers", "supervisor"]),
    (4, &["output", "reaper", "schedule_timers", "unowned_children"]),
    (3, &["orphan_search", "reactor"]),
    (2, &["bot_table", "hook_facts"]),
    (1, &["auxiliary", "memory_watch", "rolling", "supervised_bot", "token"]),
    (
        0,
        &[
            "bot_cgroups",
            "bot_state",
            "checks",
            "dependencies",
            "descriptor_limit",
            "event_lines",
            "exit_records",
            "followers",
            "ignored_signals",
            "lost_output",
            "pending_reply",
            "process_table",
            "roll_progress",
            "scheduled_runs",
            "slab",
            "subscribers",
        ],
    ),
];

/// A part of the engine uses parts in lower layers only, by path and through `self` of the struct that the parts share.
/// The files of `supervisor` pass events and actions to each other, so they count as one part.
#[test]
fn engine_parts_use_lower_layers_only() {
    let engine = root().join("daemonize-monitor/src/engine");
    let mut wrong = Vec::new();
    let mut methods: Vec<(String, BTreeSet<String>, BTreeSet<String>)> = Vec::new();
    for file in rust_files(&engine) {
        let inside = file.strip_prefix(&engine).unwrap();
        let (own, source) = (first_component(inside), read(&file));
        let is_at_root = inside.components().count() == 1;
        let prefixes: &[&str] = if is_at_root { &["super::", "crate::engine::"] } else { &["crate::engine::"] };
        for (line, used) in source::uses(&source, prefixes) {
            // A capitalized name is the struct whose methods this part defines, or an item of the parent used by a test.
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

/// Returns `true` if a part of the engine is in a lower layer than another one.
fn is_below(part: &str, other: &str) -> bool {
    let [part, other] = [part, other]
        .map(|part| layer_of(ENGINE_LAYERS, part).unwrap_or_else(|| panic!("`{part}` of the engine is in no layer")));
    part < other
}
