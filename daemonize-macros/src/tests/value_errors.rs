//! Errors about literals and words as values of keys, and the token each points at.

use super::{FINE, HANDLER, assert_errors};
use crate::kind::Kind::{self, Message, Run};

/// Asserts one error in the arguments of `#[daemon::run]`.
#[track_caller]
fn one(args: &str, message: &str, place: &str) {
    assert_errors(Run, args, FINE, &[(message, place)]);
}

#[test]
fn paths_and_names_are_not_empty() {
    one(r#"pidfile = """#, "`pidfile` cannot be an empty string", r#""""#);
    one(r#"stdout = """#, "`stdout` cannot be an empty string", r#""""#);
    one(r#"user = """#, "`user` cannot be an empty string", r#""""#);
    one(r#"name = """#, "`name` cannot be an empty string", r#""""#);
    one(r#"name = "a/b""#, "`name` cannot contain `/` or NUL: it becomes a file name", r#""a/b""#);
}

/// Asserts that a literal is refused with what the key does and how it is written.
#[track_caller]
pub(super) fn refused(kind: Kind, before: &str, key: &str, literal: &str, rest: &str) {
    let item = if kind == Message { HANDLER } else { FINE };
    let message = format!("`{key}` cannot be `{literal}`: it {rest}");
    assert_errors(kind, &format!("{before}{key} = {literal}"), item, &[(&message, literal)]);
}

#[test]
fn literal_of_another_kind_is_refused_with_what_the_key_does() {
    let one = |key: &str, literal: &str, rest: &str| refused(Run, "", key, literal, rest);
    one("pidfile", "3", r#"sets the path of the pidfile, or `none`, such as `pidfile = "~/sleepy.pid"`"#);
    one(
        "name",
        "true",
        r#"sets the name in messages, in syslog and of the default pidfile, such as `name = "sleepy"`"#,
    );
    one("user", "'x'", r#"changes to this user permanently, by name or number, such as `user = "www-data"`"#);
    one("chroot", "b\"x\"", r#"sets a new root directory; needs a `user`, such as `chroot = "/srv/jail"`"#);
    one("kill", r#""yes""#, "sets whether `stop` kills a daemon that does not end in time, such as `kill = false`");
    one("core_dumps", "1", "sets whether the daemon may dump core, such as `core_dumps = true`");
    one("inherit", "3", "keeps these file descriptors open, regardless of `close`, such as `inherit = [3, 4]`");
    one("umask", r#""027""#, "sets the umask, such as `umask = 0o027`");
    one("stdin", "0", "sets standard input: a path, `null`, `inherit`, or any open file, such as `stdin = null`");
    one(
        "ready",
        r#""manual""#,
        "sets when the daemon is ready: `auto`, `entered` or `manual`, such as `ready = manual`",
    );
    let grace = "sets how long handlers and body may run after a stop signal";
    one("grace", "1.5", &format!(r#"{grace}, such as `grace = "2s"`"#));
    let configure = "calls a `fn(Daemon) -> Daemon` for settings without a key, after all other keys, such as `configure = more_settings`";
    one("configure", "3", configure);
    let output = "calls a function, `FnMut(&[u8])`, with the output of the starting daemon, as soon as it arrives";
    one("on_output", "3", &format!("{output}, such as `on_output = show`"));
    one("crate", r#""daemon""#, "sets the path of this library, if it was renamed, such as `crate = ::daemon`");
    let companion = "sets the name of the companion, if a `mod` or a type has the function's name already";
    one("companion", r#""Sleepy""#, &format!("{companion}, such as `companion = Sleepy`"));
    let one = |key: &str, literal: &str, rest: &str| refused(Message, "from = f, ", key, literal, rest);
    let pool = "sets how many messages are handled concurrently, each in its own thread";
    one("pool_size", r#""3""#, &format!("{pool}, such as `pool_size = 8`"));
    one("pool_size", "1.5", &format!("{pool}, such as `pool_size = 8`"));
    one(
        "retry",
        "5",
        "sets when a message whose handler failed is handled again: `{ delay = \"1s\", max_delay = \"1m\", attempts = 5 }`, \
         or a `daemon::messages::Retry`, such as `retry = { attempts = 5 }`",
    );
}

#[test]
#[cfg(feature = "control")]
fn number_as_an_endpoint_is_refused_with_what_may_be_one() {
    let rest = "opens an HTTP endpoint (feature `control`): alone, with a loopback address, or with an `Endpoint`";
    refused(Run, "", "control", "80", &format!(r#"{rest}, such as `control = "127.0.0.1:0"`"#));
}

#[test]
fn permission_bits_are_octal_few_and_safe() {
    one("umask = 22", "`22` is decimal: write `0o22`", "22");
    one("umask = 89", "`89` is decimal: write it in octal, such as `0o027`", "89");
    one("umask = 0o1000", "`umask` has nine bits: its maximum is `0o777`", "0o1000");
    one("pidfile_mode = 0o4644", "`pidfile_mode` has nine bits: its maximum is `0o777`", "0o4644");
    one(
        "pidfile_mode = 0o664",
        "group and others cannot have write permission: they could write a pid that `stop` then signals",
        "0o664",
    );
    assert_errors(Run, "umask = 0, pidfile_mode = 0o600", FINE, &[]);
    assert_errors(Run, "umask = 0x1f, pidfile_mode = MODE", FINE, &[]);
}

#[test]
fn words_are_known_or_expressions() {
    one("detach = atuo", "unknown word `atuo` for `detach`, did you mean `auto`?", "atuo");
    one(
        "close = everything",
        "unknown word `everything` for `close`, expected one of `inherited`, `all`, `none`",
        "everything",
    );
    one("stdout = nul", "unknown word `nul` for `stdout`, did you mean `null`?", "nul");
    assert_errors(Run, "ready = entered", FINE, &[]);
    one(
        r#"stdout = "null""#,
        "`\"null\"` would be a file: write `null` without quotes, or `\"./null\"` for the file",
        r#""null""#,
    );
    assert_errors(Run, "detach = DETACH, close = a::b, ready = f(), stdin = File::open(x)", FINE, &[]);
}

#[test]
fn durations_have_a_unit_and_some_length() {
    one("grace = 10", r#"a duration needs a unit: write `"10ms"` or `"10s"`"#, "10");
    one(r#"grace = "10""#, "`10` has no unit: write `10ms`, `10s`, `10m` or `10h`", r#""10""#);
    one(r#"grace = "3x""#, "unknown unit `x`, expected `ms`, `s`, `m`, `h` or `d`", r#""3x""#);
    one(r#"start_timeout = "0s""#, "a duration must be longer than zero", r#""0s""#);
    one(r#"start_timeout = "-3s""#, "a duration cannot be negative", r#""-3s""#);
    one(r#"start_timeout = "99999999999h""#, "`99999999999h` is too long: at most 100 years", r#""99999999999h""#);
}

#[test]
fn a_stop_is_not_over_before_the_grace() {
    one(
        r#"stop_timeout = "9s""#,
        "`stop_timeout` is shorter than `grace` (10s): `stop` would kill the daemon before `grace` ends",
        r#""9s""#,
    );
    one(
        r#"stop_timeout = "1m", grace = "2m""#,
        "`stop_timeout` is shorter than `grace` (120s): `stop` would kill the daemon before `grace` ends",
        r#""1m""#,
    );
    assert_errors(Run, r#"stop_timeout = "1s", grace = "500ms""#, FINE, &[]);
    assert_errors(Run, r#"stop_timeout = "1s", grace = GRACE"#, FINE, &[]);
    one(r#"stop_timeout = "1s", grace = 3"#, r#"a duration needs a unit: write `"3ms"` or `"3s"`"#, "3");
}
