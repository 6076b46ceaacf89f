//! The shape of each key of a bot. A key of `bot_keys::KEYS` that is missing here fails a test.

use super::shapes::{
    any_of, argv, boolean, described, duration, integer, list, number, one_or_list, size, table, table_of, text,
    text_such_as, word,
};
use crate::bot::Resource;
use serde_json::{Value, json};

/// Returns the shape of a key of a bot, with a description; `None` for a key that is not here.
pub(super) fn of_key(key: &str) -> Option<Value> {
    let (shape, description) = match key {
        "command" => (text(), "The program: a path, or a name that is looked for in PATH. No shell."),
        "args" => (list(&text()), "Its arguments."),
        "env" => (table_of(&text()), "Variables that are set for it."),
        "env_file" => (one_or_list(text()), "Files of variables, with lines NAME=VALUE. `env` comes before them."),
        "clear_env" => (boolean(), "Whether it gets nothing else of the monitor's environment. Default: false."),
        "cwd" => (text(), "The directory in which it runs. Default: that of the file that describes the bot."),
        "user" => (text(), "The user that it runs as, by name or number. Default: the monitor's."),
        "group" => (text(), "The group of users that it runs as, by name or number. Default: the user's own."),
        "umask" => (umask(), "The file mode creation mask, in octal digits. Default: \"022\"."),
        "no_new_privs" => {
            (boolean(), "Whether no program it executes may gain rights. Default: whether it has a `user`.")
        }
        "autostart" => (boolean(), "Whether it starts with the monitor. Default: true."),
        "instances" => (instances(), "How many run, called NAME:1, NAME:2 …; \"cpus\" is one for each processor."),
        "restart" => (word(&["always", "on-failure", "never"]), "When it is started again. Default: \"always\"."),
        "limit" => (limit(), "The exits within a window that are followed by a restart. Default: 5 in \"1h\"."),
        "backoff" => (backoff(), "The wait before a restart."),
        "stop" => (one_or_list(stop_step()), "How it is stopped: one step or several. Default: TERM, 10 s."),
        "depends_on" => (list(&text()), "Bots that must be ready before it starts, and are stopped after it."),
        "ready" => (ready(), "When it is ready. Default: { after = \"1s\" }."),
        "ready_timeout" => (duration(), "How long that may take. Default: \"60s\"."),
        "check" => (check(), "How its health is checked while it runs."),
        "listen" => {
            (one_or_list(listen()), "Sockets that the monitor holds for it: addresses, or paths of Unix sockets.")
        }
        "stdout" => (log(&["memory", "null", "inherit"]), "Where its output goes. Default: \"memory\"."),
        "stderr" => (log(&["stdout", "memory", "null", "inherit"]), "Where its errors go. Default: \"stdout\"."),
        "bot_group" => (text(), "The group of bots that it belongs to, which stands wherever a bot may."),
        "schedule" => (schedule(), "When the monitor starts or restarts it: a cron expression, or a table."),
        "on_exit" => (argv(), "A program that reports each exit of the bot."),
        "on_gave_up" => (argv(), "A program that reports that the bot was given up."),
        "on_unhealthy" => (argv(), "A program that reports that the bot is unhealthy."),
        "hook_timeout" => (duration(), "How long such a program may take. Default: \"10s\"."),
        "memory_max" => (size(), "The memory of all its processes above which it is restarted."),
        "nice" => (integer(-20, 19), "Its scheduling priority."),
        "rlimits" => (rlimits(), "Its resource limits: a number, a size, \"unlimited\", or [SOFT, HARD]."),
        "oom_score_adjust" => (integer(-1000, 1000), "How soon the kernel kills it when memory is short."),
        "cgroup" => (cgroup(), "The limits of a cgroup of its own."),
        _ => return None,
    };
    Some(described(shape, description))
}

fn umask() -> Value {
    any_of([text_such_as(&["022", "027", "077"]), json!({ "type": "integer", "minimum": 0, "maximum": 0o777 })])
}

fn instances() -> Value {
    any_of([integer(1, 10_000), json!({ "const": "cpus" })])
}

fn limit() -> Value {
    table([("exits", integer(0, 1000)), ("window", duration())])
}

fn backoff() -> Value {
    table([
        ("first", duration()),
        ("factor", number(1, 100)),
        ("cap", duration()),
        ("jitter", number(0, 1)),
        ("stable_after", duration()),
    ])
}

fn stop_step() -> Value {
    table([("signal", text_such_as(&["TERM", "INT", "QUIT", "HUP"])), ("timeout", duration())])
}

fn ready() -> Value {
    let kinds = table([
        ("tcp", text()),
        ("http", text()),
        ("exec", argv()),
        ("file", text()),
        ("output", text()),
        ("after", duration()),
    ]);
    any_of([word(&["at-once", "notify", "exit"]), kinds])
}

fn check() -> Value {
    table([
        ("http", text()),
        ("tcp", text()),
        ("exec", argv()),
        ("every", duration()),
        ("timeout", duration()),
        ("failures", integer(1, 1000)),
    ])
}

fn listen() -> Value {
    any_of([text(), table([("path", text()), ("mode", any_of([text(), json!({ "type": "integer" })]))])])
}

/// The target of a stream: a word, a path, or a log file.
pub(super) fn log(words: &[&str]) -> Value {
    let words = json!({ "type": "string", "examples": words });
    any_of([words, log_file()])
}

/// A log file with its rotation.
pub(super) fn log_file() -> Value {
    table([("file", text()), ("max_size", size()), ("keep", integer(0, 1000)), ("timestamps", boolean())])
}

fn schedule() -> Value {
    let times = table([
        ("cron", text_such_as(&["*/5 * * * *", "30 2 * * *", "@daily"])),
        ("every", duration()),
        ("time_zone", text_such_as(&["UTC", "Europe/Berlin"])),
        ("missed", word(&["skip", "run"])),
        ("action", word(&["start", "restart"])),
    ]);
    any_of([text_such_as(&["*/5 * * * *", "@daily"]), times])
}

fn rlimits() -> Value {
    let amount = || any_of([text_such_as(&["unlimited", "1GiB"]), json!({ "type": "integer", "minimum": 0 })]);
    let limit = || any_of([amount(), json!({ "type": "array", "items": amount(), "minItems": 2, "maxItems": 2 })]);
    table(Resource::NAMES.map(|resource| (resource, limit())))
}

fn cgroup() -> Value {
    table([
        ("cpu_max", text_such_as(&["50%", "200%"])),
        ("cpu_weight", integer(1, 10_000)),
        ("memory_high", size()),
        ("memory_max", size()),
        ("pids_max", integer(1, i64::from(u32::MAX))),
    ])
}
