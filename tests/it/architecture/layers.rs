//! The layers of the crates: a module uses itself and the layers below, no module beside or above it.

use std::path::Path;

use crate::source::{self, read, root, rust_files};

/// The modules at the root of a crate, or the parts of the engine, by layer.
pub(super) type Layers = &'static [(u8, &'static [&'static str])];

/// The layers of `daemonize-sys`.
const SYS_LAYERS: Layers = &[
    (5, &["lib"]),
    (4, &["paths", "spawn", "signal_handler"]),
    (3, &["trust", "signal_counters", "signalfd", "pidfd", "signal_flag", "env", "tracer"]),
    (2, &["proc", "wait", "siginfo", "signal_mask", "signal_disposition", "fork", "exec", "capabilities", "keyring"]),
    (2, &["account", "attributes", "build_id", "main_process", "fds", "fd_passing", "fd_table", "datagram"]),
    (1, &["signal", "capability", "pid", "error"]),
    (0, &["outlined", "clock", "device", "escape", "heap", "mutex", "syscall", "wakeup", "thread", "xattr"]),
];

/// The layers of `daemonize-core`: a module uses itself and the layers below.
const CORE_LAYERS: Layers = &[
    (10, &["lib", "__private", "__fuzz"]),
    (9, &["daemon", "relay"]),
    (8, &["launch", "testing"]),
    (7, &["api"]),
    (6, &["self_restart"]),
    (5, &["pidfile_search", "context"]),
    (4, &["pidfile", "settings", "ipc"]),
    (3, &["process", "program", "signals", "sd_notify", "logs"]),
    (2, &["error", "sys", "attach", "body"]),
    (1, &["stage", "signal", "capability", "pid", "stop_flag", "stdout", "report", "counters", "event", "shutdown"]),
    (0, &["mutex", "escape", "syslog", "auto_ready", "thread"]),
];

/// The layers of `daemonize-control`.
const CONTROL_LAYERS: Layers = &[
    (7, &["lib", "__fuzz"]),
    (6, &["instance"]),
    (5, &["endpoint", "client"]),
    (4, &["server"]),
    (3, &["routes"]),
    (2, &["access_rules", "events", "status", "runtime_dir"]),
    (1, &["refusal", "token", "json", "address", "blocking_thread"]),
];

/// The layers of `daemonize-cli`.
const CLI_LAYERS: Layers = &[
    (10, &["lib"]),
    (9, &["__private"]),
    (8, &["program"]),
    (7, &["verbs"]),
    (6, &["documents", "invocation", "parsed_target", "fixed_target"]),
    (5, &["command_line"]),
    (4, &["verb"]),
    (3, &["service_verb", "log_reader"]),
    (2, &["target", "output", "start_record"]),
    (1, &["exit_status", "options"]),
];

/// The layers of `daemonize-service`.
const SERVICE_LAYERS: Layers = &[
    (9, &["lib"]),
    (7, &["install", "uninstall", "service_status"]),
    (6, &["activation"]),
    (5, &["formats", "notes", "supervised_directory"]),
    (
        4,
        &[
            "service_file",
            "program_path",
            "caller",
            "request",
            "linger",
            "systemd_version",
            "environment_file",
            "installed",
        ],
    ),
    (3, &["tool_call"]),
    (2, &["definition", "managed", "places", "service_directory"]),
    (1, &["service_error"]),
    (0, &["manager_kind", "marker", "options", "quote", "secrets"]),
];

/// The layers of `daemonize-exec`.
const EXEC_LAYERS: Layers = &[
    (10, &["lib"]),
    (9, &["__private"]),
    (8, &["init", "exec_function", "test_launcher"]),
    (7, &["exec_daemon", "launcher"]),
    (6, &["spawn", "self_restart"]),
    (5, &["registry", "new_process"]),
    (4, &["request"]),
    (3, &["isolation", "environment", "link"]),
    (2, &["image", "jobserver", "limits", "memory_file"]),
    (1, &["exec_error", "argument"]),
];

/// The layers of `daemonize-on-demand`.
const ON_DEMAND_LAYERS: Layers = &[
    (10, &["lib"]),
    (9, &["__private"]),
    (8, &["client"]),
    (7, &["wedged", "mismatch"]),
    (6, &["clients"]),
    (5, &["server"]),
    (4, &["control", "daemon_process"]),
    (3, &["activity", "settings"]),
    (2, &["directory", "fd_passing", "stream"]),
    (1, &["greeting"]),
];

/// The layers of `daemonize-scope`.
const SCOPE_LAYERS: Layers = &[
    (9, &["lib"]),
    (7, &["attachment"]),
    (5, &["helper", "warning"]),
    (3, &["unit", "report", "placement"]),
    (1, &["cgroup"]),
];

/// The layers of `daemonize-logging`.
const LOGGING_LAYERS: Layers = &[
    (9, &["lib"]),
    (6, &["builder"]),
    (5, &["subscriber", "logger", "control", "level_file"]),
    (4, &["destination", "level"]),
    (3, &["syslog"]),
    (2, &["line", "line_style", "directives"]),
    (1, &["error"]),
];

/// The layers of `daemonize-monitor` without its program, which is a crate of its own.
const MONITOR_LAYERS: Layers = &[
    (11, &["__daemonctl", "__fuzz", "lib"]),
    (10, &["monitor"]),
    (9, &["daemon_setup"]),
    (8, &["listener"]),
    (7, &["config_reload", "restart_check"]),
    (6, &["commands", "engine"]),
    (5, &["command_queue"]),
    (4, &["config", "json", "logger", "process_journal", "usage"]),
    (3, &["console", "process", "registry", "reload_plan", "schedule_record", "spawner", "status"]),
    (2, &["bot_selector", "cgroup", "logs", "notify", "prober", "program", "restart_policy", "settings"]),
    (
        1,
        &[
            "bot",
            "cancellation",
            "counts",
            "duration",
            "error",
            "health",
            "page",
            "parallel",
            "secret",
            "sessions",
            "size",
            "sys",
        ],
    ),
    (3, &["webhook"]),
];

/// The layers of `daemonize-macros`.
const MACROS_LAYERS: Layers = &[
    (12, &["lib", "tests"]),
    (11, &["expand"]),
    (10, &["launcher", "companion", "instance", "init"]),
    (9, &["exec"]),
    (8, &["body", "program"]),
    (7, &["model"]),
    (6, &["launch"]),
    (5, &["values", "function", "captures"]),
    (4, &["signals", "hooks", "signature", "parameters"]),
    (3, &["args", "attributes", "handlers", "cli"]),
    (2, &["unknown_key", "features", "literals", "tokens", "lifetimes"]),
    (1, &["keys"]),
    (0, &["kind", "errors", "suggest", "duration", "size", "about", "shape"]),
];

#[test]
fn core_modules_use_lower_layers_only() {
    assert_downwards("daemonize-core", CORE_LAYERS);
}

#[test]
fn sys_modules_use_lower_layers_only() {
    assert_downwards("daemonize-sys", SYS_LAYERS);
}

#[test]
fn control_modules_use_lower_layers_only() {
    assert_downwards("daemonize-control", CONTROL_LAYERS);
}

#[test]
fn cli_modules_use_lower_layers_only() {
    assert_downwards("daemonize-cli", CLI_LAYERS);
}

#[test]
fn service_modules_use_lower_layers_only() {
    assert_downwards("daemonize-service", SERVICE_LAYERS);
}

#[test]
fn logging_modules_use_lower_layers_only() {
    assert_downwards("daemonize-logging", LOGGING_LAYERS);
}

#[test]
fn exec_modules_use_lower_layers_only() {
    assert_downwards("daemonize-exec", EXEC_LAYERS);
}

#[test]
fn on_demand_modules_use_lower_layers_only() {
    assert_downwards("daemonize-on-demand", ON_DEMAND_LAYERS);
}

#[test]
fn scope_modules_use_lower_layers_only() {
    assert_downwards("daemonize-scope", SCOPE_LAYERS);
}

#[test]
fn macros_modules_use_lower_layers_only() {
    assert_downwards("daemonize-macros", MACROS_LAYERS);
}

#[test]
fn monitor_modules_use_lower_layers_only() {
    assert_downwards("daemonize-monitor", MONITOR_LAYERS);
}

/// Fails if a module of `library` uses another one that is not in a lower layer, or is in no layer.
fn assert_downwards(library: &str, layers: Layers) {
    let sources = root().join(library).join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&sources) {
        let inside = file.strip_prefix(&sources).unwrap();
        let own = first_component(inside);
        if ["bin", "tests"].contains(&own.as_str()) {
            continue;
        }
        let Some(layer) = layer_of(layers, &own) else {
            wrong.push(format!("{}: `{own}` is in no layer", inside.display()));
            continue;
        };
        for (line, used) in source::uses_of_root(&read(&file), inside.components().count() == 1) {
            if used != own && layer_of(layers, &used).is_none_or(|below| below >= layer) {
                wrong.push(format!("{}:{line}: `{own}` uses `{used}`", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "not downwards:\n{}", wrong.join("\n"));
}

/// Returns the module at the root of the crate, or the part of the engine, to which a file belongs.
pub(super) fn first_component(path: &Path) -> String {
    let first = path.components().next().expect("a file name").as_os_str().to_string_lossy().into_owned();
    first.strip_suffix(".rs").map(str::to_owned).unwrap_or(first)
}

pub(super) fn layer_of(layers: Layers, module: &str) -> Option<u8> {
    layers.iter().find(|(_, modules)| modules.contains(&module)).map(|(layer, _)| *layer)
}
