//! Errors about the keys of an attribute, and the token each points at.

use super::value_errors::refused;
use super::{FINE, HANDLER, assert_errors, errors};
use crate::kind::Kind::{Message, Run};

/// Asserts one error in the arguments of `#[daemon::run]`.
#[track_caller]
fn one(args: &str, message: &str, place: &str) {
    assert_errors(Run, args, FINE, &[(message, place)]);
}

#[test]
fn unknown_keys_get_the_nearest_known_one() {
    one(r#"pidfiel = "x""#, "unknown key `pidfiel`, did you mean `pidfile`?", "pidfiel");
    one("signal = { TERM => f }", "unknown key `signal`, did you mean `signals`?", "signal");
    one("working_direc = f(a, b)", "unknown key `working_direc`, did you mean `working_directory`?", "working_direc");
    one("Umask = 0", "unknown key `Umask`, did you mean `umask`?", "Umask");
}

#[test]
fn unknown_keys_that_are_near_to_none_get_the_list() {
    one(
        "colour = 3",
        "unknown key `colour`, expected one of `name`, `companion`, `pidfile`, `pidfile_mode`, \
         `signals`, `detach`, `working_directory`, `umask`, `user`, `group`, `init_groups`, `chroot`, `capabilities`, `no_new_privs`, \
         `core_dumps`, `inherit`, `close`, `stdin`, `stdout`, `stderr`, `log`, `ready`, `on_output`, `start_timeout`, \
         `stop_timeout`, `grace`, `kill`, `hooks`, `runtime`, `worker_threads`, `control`, `on_demand`, `launch`, \
         `on_mismatch`, `greeting_timeout`, `connect_timeout`, `protocol`, `constraint`, `environment`, `scope`, `ends_with`, `cli`, \
         `service`, `configure`, `crate`",
        "colour",
    );
}

#[test]
fn a_key_is_given_once() {
    one("umask = 0o22, umask = 0o27", "duplicate key `umask`", "umask");
    one("crate = ::daemon, crate = ::daemon", "duplicate key `crate`", "crate");
    one("signals = { TERM => f }, signals = { HUP => f }", "duplicate key `signals`", "signals");
}

#[test]
fn a_key_needs_its_value_and_a_value_its_key() {
    one("pidfile", r#"`pidfile` needs a value, such as `pidfile = "~/sleepy.pid"`"#, "pidfile");
    one("detach, umask = 0", "`detach` needs a value, such as `detach = never`", "detach");
    one("umask =", "`umask =` needs a value, such as `umask = 0o027`", "=");
    one("umask = , kill = true", "`umask =` needs a value, such as `umask = 0o027`", "=");
    one(r#""x.pid""#, r#"expected a key before this value, such as `name = "sleepy"`"#, r#""x.pid""#);
}

#[test]
fn keys_and_values_are_joined_by_equals_and_parted_by_commas() {
    one(r#"pidfile("x")"#, r#"expected `=` after `pidfile`, such as `pidfile = "~/sleepy.pid"`"#, "(");
    one(r#"user: "x""#, r#"expected `=` after `user`, such as `user = "www-data"`"#, ":");
    one("umask == 3", "expected `=` after `umask`, such as `umask = 0o027`", "=");
    one(r#"pidfile = "x" umask = 0o22"#, "expected `,` before this", "umask");
    one(r#"pidfile = "x"; umask = 0o22"#, "expected `,` before this", ";");
}

#[test]
fn a_mistake_ends_where_the_next_key_begins() {
    assert_errors(
        Run,
        r#"pidfile("x", y), user: "x", umask, grace = |a, b| , kill = "no""#,
        FINE,
        &[
            (r#"expected `=` after `pidfile`, such as `pidfile = "~/sleepy.pid"`"#, "("),
            (r#"expected `=` after `user`, such as `user = "www-data"`"#, ":"),
            ("`umask` needs a value, such as `umask = 0o027`", "umask"),
            ("expected an expression", ","),
            (
                r#"`kill` cannot be `"no"`: it sets whether `stop` kills a daemon that does not end in time, such as `kill = false`"#,
                r#""no""#,
            ),
        ],
    );
}

#[test]
fn the_librarys_path_is_absolute_and_the_companion_a_name() {
    one(
        "crate = renamed",
        "the path of the library must be absolute: write `::renamed` or `crate::renamed`",
        "renamed",
    );
    one(
        "companion = daemon",
        "the companion `daemon` would hide the crate `daemon`: choose another name with `companion = …`",
        "daemon",
    );
    one(
        "companion = str",
        "the companion `str` would hide the type `str`: choose another name with `companion = …`",
        "str",
    );
    assert_errors(Run, "companion = daemon, crate = ::renamed", FINE, &[]);
    assert_errors(Run, "crate = crate::facade", FINE, &[]);
}

#[test]
fn messages_come_from_a_function() {
    let missing = "`from` is missing: set the function that returns the next message, such as `from = next_job`";
    let found = errors(Message, "pool_size = 3", HANDLER);
    assert_eq!(found.iter().map(|(message, _)| message.as_str()).collect::<Vec<_>>(), [missing]);
    let one = |args: &str, message: &str, place: &str| assert_errors(Message, args, HANDLER, &[(message, place)]);
    let source = "sets the function or closure that returns the next message: `Option<T>` or `Result<Option<T>, E>`, where `T` \
                  is the message or a `Delivery` of it";
    refused(Message, "", "from", "3", &format!("{source}, such as `from = next_job`"));
    one("form = f, from = f", "unknown key `form`, did you mean `from`?", "form");
    one("from", "`from` needs a value, such as `from = next_job`", "from");
    assert_errors(Message, "from = || queue().pop()", HANDLER, &[]);
}

#[test]
fn a_pool_has_workers_and_not_too_many() {
    let one = |args: &str, message: &str, place: &str| {
        assert_errors(Message, &format!("from = f, {args}"), HANDLER, &[(message, place)]);
    };
    one("pool_size = 0", "`pool_size` must be between 1 and 32768: each worker is a thread", "0");
    one("pool_size = -1", "`pool_size` must be between 1 and 32768: each worker is a thread", "-1");
    let many = "`pool_size` must be between 1 and 32768: each worker is a thread";
    one("pool_size = 32_769", many, "32_769");
    one("pool_size = 99999999999999999999999", many, "99999999999999999999999");
    one("idle_time = 100", r#"a duration needs a unit: write `"100ms"` or `"100s"`"#, "100");
    assert_errors(Message, "from = f, pool_size = threads() * 2", HANDLER, &[]);
    assert_errors(Message, r#"from = f, pool_size = 1, idle_time = "5ms""#, HANDLER, &[]);
}

#[test]
fn retry_is_braces_with_known_words_or_an_expression() {
    let one = |args: &str, message: &str, place: &str| {
        assert_errors(Message, &format!("from = f, {args}"), HANDLER, &[(message, place)]);
    };
    for args in [
        r#"retry = { delay = "1s", max_delay = "1m", attempts = 5 }"#,
        "retry = { delay = pause(), attempts = LIMIT, }",
        "retry = Retry::new().attempts(3)",
    ] {
        assert_errors(Message, &format!("from = f, {args}"), HANDLER, &[]);
    }
    one("retry = { attempts = 0 }", "`attempts` must be between 1 and 4294967295: the first attempt counts", "0");
    one("retry = { attempts = -1 }", "`attempts` must be between 1 and 4294967295: the first attempt counts", "-1");
    one(
        r#"retry = { attempts = "5" }"#,
        r#"`attempts` cannot be `"5"`: it limits the number of attempts, the first included, such as `attempts = 5`"#,
        r#""5""#,
    );
    one("retry = { delay = 3 }", r#"a duration needs a unit: write `"3ms"` or `"3s"`"#, "3");
    one("retry = { atempts = 3 }", "unknown key `atempts`, did you mean `attempts`?", "atempts");
    one("retry = { attempts = 3, attempts = 4 }", "duplicate key `attempts`", "attempts");
    one("retry = { attempts => 3 }", "expected `=` after `attempts`, such as `attempts = 5`", "=");
    one("retry = { attempts = }", "`attempts =` needs a value, such as `attempts = 5`", "=");
    one("retry = {}", "`retry` is empty: write `retry = { attempts = 5 }`, or remove the key", "{}");
    assert_errors(
        Message,
        "from = f, retry = { atempts = 3, delay = 3, max_delay, attempts = 0 }",
        HANDLER,
        &[
            ("unknown key `atempts`, did you mean `attempts`?", "atempts"),
            (r#"`max_delay` needs a value, such as `max_delay = "1m"`"#, "max_delay"),
            (r#"a duration needs a unit: write `"3ms"` or `"3s"`"#, "3"),
            ("`attempts` must be between 1 and 4294967295: the first attempt counts", "0"),
        ],
    );
}

#[test]
#[cfg(feature = "control")]
fn an_endpoint_is_nothing_an_address_of_this_machine_or_an_expression() {
    for args in ["control", "control, umask = 0", r#"control = "[::1]:0""#, "control = endpoint().on(\"x\", f)"] {
        assert_errors(Run, args, FINE, &[]);
    }
    let one = |args: &str, message: &str, place: &str| assert_errors(Run, args, FINE, &[(message, place)]);
    let here = "an endpoint listens only on the loopback interface: use `127.0.0.1` or `[::1]`";
    one(r#"control = "0.0.0.0:80""#, here, r#""0.0.0.0:80""#);
    one(r#"control = "[::ffff:127.0.0.1]:80""#, here, r#""[::ffff:127.0.0.1]:80""#);
    let no = "this is not an IP address and a port: write them as in `\"127.0.0.1:0\"`";
    one(r#"control = "localhost:80""#, no, r#""localhost:80""#);
    one(r#"control = "127.0.0.1""#, no, r#""127.0.0.1""#);
    one("control, control", "duplicate key `control`", "control");
    one("control =", r#"`control =` needs a value, such as `control = "127.0.0.1:0"`"#, "=");
    one("contrl", "unknown key `contrl`, did you mean `control`?", "contrl");
}

/// Promise 1.40.
#[test]
fn pidfile_none_in_quotes_says_how_to_write_it() {
    one(
        r#"pidfile = "none""#,
        "`\"none\"` would be a file: write `none` without quotes, or `\"./none\"` for the file",
        r#""none""#,
    );
    one(
        r#"log = "inherit""#,
        "`\"inherit\"` would be a file: write `inherit` without quotes, or `\"./inherit\"` for the file",
        r#""inherit""#,
    );
}

#[test]
#[cfg(not(feature = "control"))]
fn without_the_feature_there_is_no_endpoint() {
    let message = "`control` needs the feature `control` of `daemonic`: enable it in `Cargo.toml`";
    assert_errors(Run, "control", FINE, &[(message, "control")]);
    assert_errors(Run, "control = Endpoint::new()", FINE, &[(message, "control")]);
}

#[test]
fn all_mistakes_of_an_attribute_are_told_at_once() {
    assert_errors(
        Run,
        r#"pid_file = "x", umask = 22, grace = 3, detach = atuo, kill = foo., umask = 0"#,
        "fn main(x: u8) {}",
        &[
            ("unknown key `pid_file`, use `pidfile`: it is one word", "pid_file"),
            ("expected identifier or integer", ","),
            ("duplicate key `umask`", "umask"),
            ("`22` is decimal: write `0o22`", "22"),
            (r#"a duration needs a unit: write `"3ms"` or `"3s"`"#, "3"),
            ("unknown word `atuo` for `detach`, did you mean `auto`?", "atuo"),
            (
                "`main` takes no arguments: read them with `std::env::args`, or write `#[daemon::run(cli)]`, which parses them",
                "x: u8",
            ),
        ],
    );
}
