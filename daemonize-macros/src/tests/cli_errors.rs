//! Errors about the keys `cli`, `service`, `log(…)` and `ends_with`, and about a `main` with `cli`, and the token each points at.

use super::{FINE, assert_errors};
use crate::kind::Kind::Run;
#[cfg(feature = "cli")]
use crate::kind::Kind::{self, Message, Step};

/// Asserts one error in the arguments of `#[daemon::run]`.
#[track_caller]
fn one(args: &str, message: &str, place: &str) {
    assert_errors(Run, args, FINE, &[(message, place)]);
}

/// Asserts one error of a function with the key `cli`.
#[cfg(feature = "cli")]
#[track_caller]
fn one_main(kind: Kind, args: &str, item: &str, message: &str, place: &str) {
    assert_errors(kind, args, item, &[(message, place)]);
}

#[test]
fn log_has_keys_in_parentheses_or_a_value() {
    for args in [
        r#"log(max_size = "10MiB", keep = 0, timestamps, path = "/var/log/a")"#,
        "log(max_size = 0, timestamps = false, path = config().log,)",
        "log(max_size = 10 * MIB, keep = KEEP, path = None)",
        r#"log = "/var/log/a""#,
        "log = inherit",
        "log = Log::new().keep(3)",
    ] {
        assert_errors(Run, args, FINE, &[]);
    }
    one("log()", r#"`log()` is empty: write `log(path = "/var/log/sleepy.log")`, or remove the parentheses"#, "()");
    one("log { keep = 3 }", "`log` has its keys in parentheses: write `log(…)`", "{");
    one("log = { keep = 3 }", "`log` has its keys in parentheses: write `log(…)`", "{");
    one(r#"log("/x")"#, r#"expected a key before this value, such as `path = "/var/log/sleepy.log"`"#, r#""/x""#);
    one("log", r#"`log` needs a value, such as `log = "/var/log/sleepy.log"`"#, "log");
    one("log = inherti", "unknown word `inherti` for `log`, did you mean `inherit`?", "inherti");
    one("log(keep = 1, keep = 2)", "duplicate key `keep`", "keep");
    one("log(keep = 1), log = null", "duplicate key `log`", "log");
    one("log(kep = 1)", "unknown key `kep`, did you mean `keep`?", "kep");
    one(
        "log(umask = 1)",
        "`umask` does not belong to `log(…)`, but to `#[daemon::run]`, `#[daemon::step]` or \
         `#[daemon::message]`: it sets the umask",
        "umask",
    );
    one(
        "log(rotate = 3)",
        r#"unknown key `rotate`, use `max_size`: it takes a size, such as `max_size = "10MiB"`"#,
        "rotate",
    );
}

#[test]
fn size_has_a_unit_and_limits() {
    let size = |value: &str, message: &str| one(&format!("log(max_size = {value})"), message, value);
    size("10", r#"a size needs a unit: write `"10MiB"` or `"10B"`"#);
    size(r#""10m""#, "unknown unit `m`, did you mean `MiB`?");
    size(r#""10""#, "`10` has no unit: write `10KiB`, `10MiB` or `10GiB`");
    size(r#""1000B""#, "`max_size` must be at least `1KiB`, or `0` for a log without a limit");
    size(
        "true",
        "`max_size` cannot be `true`: it limits the size of the file: a larger one is renamed, and a new one begun, such as \
          `max_size = \"10MiB\"`",
    );
    assert_errors(Run, r#"log(max_size = "0B")"#, FINE, &[]);
    one("log(keep = 1000)", "`keep` must be between 0 and 999: each rotation renames all old files", "1000");
    one("log(keep = -1)", "`keep` must be between 0 and 999: each rotation renames all old files", "-1");
    one(
        r#"log(timestamps = "no")"#,
        "`timestamps` cannot be `\"no\"`: it begins each line with the time in UTC, such as `timestamps`",
        r#""no""#,
    );
}

#[test]
fn daemon_ends_with_one_of_two_processes() {
    assert_errors(Run, "ends_with = parent", FINE, &[]);
    assert_errors(Run, "ends_with = EndsWith::LauncherParent", FINE, &[]);
    one("ends_with = praent", "unknown word `praent` for `ends_with`, did you mean `parent`?", "praent");
    one(
        "die_with_parent = true",
        "unknown key `die_with_parent`, use `ends_with`: write `ends_with = parent`",
        "die_with_parent",
    );
}

#[test]
#[cfg(not(feature = "cli"))]
fn without_the_feature_the_keys_say_so_and_nothing_else() {
    let message = |key: &str| format!("`{key}` needs the feature `cli` of `daemonic`: enable it in `Cargo.toml`");
    for args in ["cli", "cli(default = run)", "cli, pidfile = args.pidfile"] {
        assert_errors(Run, args, "fn main(args: Args) {}", &[(&message("cli"), "cli")]);
    }
    one("service(hardening = strict)", &message("service"), "service");
    let text = super::expansion(Run, "cli", "fn main(args: Args) { body(args) }").to_string();
    assert!(text.contains("fn main () ->") && text.contains("body (args)") && !text.contains("cli ::"), "{text}");
}

#[test]
#[cfg(feature = "cli")]
fn command_line_is_that_of_main() {
    let message = "`cli` belongs on `main`: for this function parse the command line with `daemon::cli::Verb`, and call \
                   `sleepy::dispatch(verb)`";
    one("cli", message, "cli");
    assert_errors(Run, "cli, umask = idle", "fn sleepy(idle: u32) {}", &[(message, "cli")]);
    one_main(
        Run,
        "cli = true",
        "fn main(args: Args) {}",
        "`cli` takes no value: write it alone, or `cli(default = run)`",
        "=",
    );
    one_main(
        Run,
        "cli()",
        "fn main() {}",
        "`cli()` is empty: write `cli(default = run)`, or remove the parentheses",
        "()",
    );
    one_main(Run, "cli(run)", "fn main() {}", "unknown key `run`, use `default`: write `cli(default = run)`", "run");
    one_main(
        Run,
        "cli(default = strat)",
        "fn main() {}",
        "unknown word `strat` for `default`, did you mean `start`?",
        "strat",
    );
    for args in ["cli", "cli(default = auto)", "cli(default = VERB)", "cli(default = None)"] {
        assert_errors(Run, args, "fn main() {}", &[]);
    }
}

#[test]
#[cfg(feature = "cli")]
fn service_has_keys_in_parentheses_or_a_value() {
    for args in [
        r#"service(hardening = off, watchdog = "30s", restart = on_failure, socket = "80", environment_file = "/etc/a")"#,
        "service(socket = [ADDRESS, \"80\"], watchdog = PERIOD)",
        "service = my_options()",
    ] {
        assert_errors(Run, args, FINE, &[]);
    }
    one("service", "`service` needs a value, such as `service(hardening = strict, watchdog = \"30s\")`", "service");
    one("service = { restart = always }", "`service` has its keys in parentheses: write `service(…)`", "{");
    one("service(socket = 80)", "an address is a string: write `\"80\"`", "80");
    one("service(socket = [80])", "an address is a string: write `\"80\"`", "80");
    one("service(socket = [])", "the list of sockets is empty: add one, or remove the key", "[]");
    one("service(socket = \"\")", "`socket` cannot be an empty string", "\"\"");
    one(
        "service(restart = on_failrue)",
        "unknown word `on_failrue` for `restart`, did you mean `on_failure`?",
        "on_failrue",
    );
    one("systemd = 3", "unknown key `systemd`, use `service`: write `service(hardening = strict)`", "systemd");
}

#[test]
#[cfg(feature = "cli")]
fn main_takes_the_parsed_arguments() {
    for (kind, args, item) in [
        (Run, "cli", "fn main(Args { port }: Args) {}"),
        (Run, "cli, pidfile = args.pidfile", "fn main(mut args: Args) {}"),
        (Step, "cli", "fn main(args: &mut Args) -> ControlFlow<()> {}"),
        (Message, "cli, from = args.source()", "fn main(job: Job, args: &Args) {}"),
        (Message, "cli, from = next", "fn main(job: Job) {}"),
    ] {
        assert_errors(kind, args, item, &[]);
    }
    let by_value = "`main` takes the parsed arguments by value: write `my::Args`";
    one_main(Run, "cli", "fn main(args: &my::Args) {}", by_value, "&my::Args");
    let shared = "all messages share the parsed arguments: write `&Args`";
    one_main(Message, "cli, from = f", "fn main(job: Job, args: Args) {}", shared, "Args");
    one_main(Message, "cli, from = f", "fn main(job: Job, args: &mut Args) {}", shared, "&mut Args");
    one_main(
        Message,
        "cli, from = f",
        "fn main() {}",
        "a handler takes the message: write `fn main(job: Job)`",
        "main",
    );
    let more = "`main` takes the parsed arguments and nothing else: make this a field of `Args`";
    one_main(Run, "cli, umask = x", "fn main(args: Args, x: u8) {}", more, "x: u8");
    let lifetimes = "`main` cannot have lifetimes: remove them, and leave them out of the types";
    one_main(Step, "cli", "fn main<'a>(args: &'a Args) {}", lifetimes, "'a");
    let lent = "the parsed arguments are lent to `main`: remove `'static`";
    one_main(Step, "cli", "fn main(args: &'static Args) {}", lent, "'static");
}

#[test]
#[cfg(feature = "cli")]
fn key_cannot_use_the_arguments_before_they_are_parsed() {
    let item = "fn main(args: Args) {}";
    let early = |key: &str| format!("`{key}` cannot use `args`: it is evaluated before the arguments are parsed");
    one_main(Run, "cli(default = args.verb)", item, &early("default"), "args");
    one_main(Run, "cli, service(environment_file = args.file)", item, &early("environment_file"), "args");
    one_main(Run, "cli, service = args.service()", item, &early("service"), "args");
    let job = "`umask` cannot use the message `job`: keys are evaluated before there is one";
    one_main(Message, "cli, from = f, umask = job", "fn main(job: u32, args: &Args) {}", job, "job");
}
