//! Errors about the keys of a launch by exec and of a daemon on demand, and the token each points at.

#[cfg(feature = "exec")]
use super::HANDLER;
use super::{FINE, assert_errors};
#[cfg(feature = "exec")]
use crate::kind::Kind::Message;
use crate::kind::Kind::Run;

#[track_caller]
fn one(args: &str, message: &str, place: &str) {
    assert_errors(Run, args, FINE, &[(message, place)]);
}

#[test]
#[cfg(not(feature = "exec"))]
fn without_the_feature_exec_its_keys_name_it() {
    for (args, key) in [("launch = exec", "launch"), ("environment = clean", "environment")] {
        one(args, &format!("`{key}` needs the feature `exec` of `daemonic`: enable it in `Cargo.toml`"), key);
    }
}

#[test]
#[cfg(not(feature = "on-demand"))]
fn without_the_feature_on_demand_its_keys_name_it() {
    let message = |key: &str| format!("`{key}` needs the feature `on-demand` of `daemonic`: enable it in `Cargo.toml`");
    for (args, key) in [
        (r#"on_demand = "10m""#, "on_demand"),
        ("on_mismatch = keep", "on_mismatch"),
        (r#"greeting_timeout = "1s""#, "greeting_timeout"),
        (r#"connect_timeout = "1s""#, "connect_timeout"),
        ("protocol = 3", "protocol"),
        ("constraint = hash()", "constraint"),
    ] {
        one(args, &message(key), key);
    }
    let both = [message("on_demand"), message("protocol")];
    assert_errors(Run, r#"on_demand = "10m", protocol = 3"#, FINE, &[(&both[0], "on_demand"), (&both[1], "protocol")]);
}

#[test]
#[cfg(not(feature = "scope"))]
fn without_the_feature_scope_its_key_names_it() {
    one("scope", "`scope` needs the feature `scope` of `daemonic`: enable it in `Cargo.toml`", "scope");
}

#[test]
#[cfg(feature = "exec")]
fn launch_is_a_word_that_the_macro_can_read() {
    assert_errors(Run, "launch = fork", FINE, &[]);
    assert_errors(Message, "from = f, launch = exec, environment = [\"LANG\", EXTRA]", HANDLER, &[]);
    one("launch = spawn", "unknown word `spawn` for `launch`, expected one of `exec`, `fork`", "spawn");
    one("launch = exce", "unknown word `exce` for `launch`, did you mean `exec`?", "exce");
    one(r#"launch = "exec""#, "`launch` is decided at compile time: write `exec` or `fork`", r#""exec""#);
    one(
        "launch = if x { exec } else { fork }",
        "`launch` is decided at compile time: write `exec` or `fork`",
        "if x { exec } else { fork }",
    );
    one("launch", "`launch` needs a value, such as `launch = exec`", "launch");
}

#[test]
#[cfg(feature = "exec")]
fn launch_by_exec_of_main_says_why_not() {
    let message = |process: &str| {
        format!(
            "`launch = exec` is not for `main`: {process} has one thread when it starts the daemon, and forks it; remove `launch`"
        )
    };
    assert_errors(Run, "launch = exec", "fn main() {}", &[(&message("its process"), "exec")]);
    #[cfg(feature = "cli")]
    assert_errors(Run, "cli, launch = exec", "fn main() {}", &[(&message("with `cli` its process"), "exec")]);
    assert_errors(Run, "launch = fork", "fn main() {}", &[]);
    assert_errors(
        Run,
        "environment = clean",
        "fn main() {}",
        &[(
            "`environment` needs `launch = exec`: a daemon that is forked has the environment of its launcher",
            "environment",
        )],
    );
}

#[test]
#[cfg(feature = "exec")]
fn key_that_a_launch_by_exec_excludes_is_refused() {
    one(
        "launch = exec, detach = never",
        "`detach = never` cannot be launched by exec: call `foreground()`, or write `launch = fork`",
        "never",
    );
    one(
        "ends_with = launcher_parent, launch = exec",
        "`ends_with = launcher_parent` needs `launch = fork`: a launch by exec knows the process that starts the daemon, `parent`, \
         but not the parent of that",
        "launcher_parent",
    );
    one(
        "launch = exec, inherit = [3, own()]",
        "a launch by exec passes no descriptor on: remove this one; a client sends its own with `send_fds`",
        "3",
    );
    for args in ["launch = exec, detach = always, ends_with = parent", "launch = fork, detach = never", "launch = None"]
    {
        assert_errors(Run, args, FINE, &[]);
    }
    let generic = "`#[daemon::run]` cannot be on a generic function: write one function for each `T`";
    assert_errors(Run, "launch = exec", "fn f<T: Serialize>(x: T) {}", &[(generic, "T")]);
    let object =
        "a launch by exec sends the arguments to a new process, and cannot send a trait object: write its type";
    assert_errors(Run, "launch = exec", "fn f(x: &mut dyn Show, y: Box<dyn Show>) {}", &[(object, "dyn Show")]);
    let inside = "a launch by exec sends the arguments to a new process, which cannot own a reference inside of another type: write \
                  the owned type, such as `Vec<String>` for `Vec<&str>`";
    for ty in ["Vec<&str>", "&(u8, Option<&'static str>)", "&[&u8]", "&&str"] {
        assert_errors(Run, "launch = exec", &format!("fn f(x: {ty}, y: &fn(&u8)) {{}}"), &[(inside, "&")]);
    }
    let opaque = "`#[daemon::run]` cannot take `impl Trait`: write the type, or `Box<dyn Trait>`";
    assert_errors(Run, "launch = exec", "fn f(x: impl Serialize) {}", &[(opaque, "impl")]);
}

#[test]
#[cfg(feature = "exec")]
fn environment_is_a_word_or_a_list_of_names() {
    for value in
        ["clean", "inherit", "[]", r#"["LANG", self::EXTRA, format!("X_{n}")]"#, "ENVIRONMENT", "environment()"]
    {
        assert_errors(Run, &format!("launch = exec, environment = {value}"), FINE, &[]);
    }
    let wrong =
        |value: &str, message: &str, place: &str| one(&format!("launch = exec, environment = {value}"), message, place);
    wrong("claen", "unknown word `claen` for `environment`, did you mean `clean`?, or a list of names", "claen");
    wrong(
        r#""PATH""#,
        r#"`environment` cannot be `"PATH"`: it sets the environment of a daemon that is launched by exec: `clean`, `inherit`, or a list of the variables that it inherits, such as `environment = ["LANG", "PATH"]`"#,
        r#""PATH""#,
    );
    let name = "the name of a variable cannot be empty, nor contain `=` or NUL";
    wrong(r#"["LANG=C"]"#, name, r#""LANG=C""#);
    wrong(r#"["PATH", ""]"#, name, r#""""#);
    wrong("[3]", "the name of a variable is a string, such as `\"LANG\"`", "3");
    one(
        r#"environment = ["A"]"#,
        "`environment` needs `launch = exec`: a daemon that is forked has the environment of its launcher",
        "environment",
    );
}

#[test]
#[cfg(feature = "on-demand")]
fn daemon_on_demand_is_launched_by_exec() {
    one(
        r#"on_demand = "10m", launch = fork"#,
        "`on_demand` needs `launch = exec`, its default: a client with threads cannot fork; remove `launch`",
        "fork",
    );
    one(
        r#"on_demand = "10m", detach = never"#,
        "`detach = never` cannot be launched by exec: call `foreground()`, or write `launch = fork`",
        "never",
    );
    for args in [r#"on_demand = "10m", launch = exec"#, "on_demand = IDLE, environment = inherit", "on_demand = None"] {
        assert_errors(Run, args, FINE, &[]);
    }
    for args in [r#"on_demand = "10m""#, r#"on_demand = "10m", launch = fork, protocol = 2"#] {
        assert_errors(Run, args, "fn main() {}", &[]);
    }
}

#[test]
#[cfg(feature = "on-demand")]
fn detail_of_a_daemon_on_demand_needs_one() {
    for (args, key) in [
        ("on_mismatch = keep", "on_mismatch"),
        (r#"greeting_timeout = "1s""#, "greeting_timeout"),
        (r#"connect_timeout = "1s""#, "connect_timeout"),
        ("protocol = 3", "protocol"),
        ("constraint = hash()", "constraint"),
    ] {
        let message = format!(
            "`{key}` needs `on_demand`: add the time after which the daemon exits, such as `on_demand = \"10m\"`"
        );
        one(args, &message, key);
    }
    // One error, for the misspelt key.
    one(r#"on_demnad = "10m", protocol = 3"#, "unknown key `on_demnad`, did you mean `on_demand`?", "on_demnad");
}

#[test]
#[cfg(feature = "on-demand")]
fn value_of_a_daemon_on_demand_is_checked() {
    let wrong = |args: &str, message: &str, place: &str| one(&format!(r#"on_demand = "10m", {args}"#), message, place);
    one("on_demand = 10", r#"a duration needs a unit: write `"10ms"` or `"10s"`"#, "10");
    one("on_demand", r#"`on_demand` needs a value, such as `on_demand = "10m"`"#, "on_demand");
    wrong("on_mismatch = restart", "unknown word `restart` for `on_mismatch`, did you mean `restart_now`?", "restart");
    wrong("protocol = -1", "`protocol` must be between 0 and 4294967295: it is a `u32`", "-1");
    wrong(
        "constraint = 3",
        "`constraint` cannot be `3`: it sets a string that must be the same for client and daemon, or they count as other builds, \
         such as `constraint = config_hash()`",
        "3",
    );
    wrong(r#"greeting_timeout = "2""#, "`2` has no unit: write `2ms`, `2s`, `2m` or `2h`", r#""2""#);
    for args in [r#"constraint = "v3""#, "constraint = HASH", "on_mismatch = REACTION", "protocol = PROTOCOL"] {
        assert_errors(Run, &format!(r#"on_demand = "10m", {args}"#), FINE, &[]);
    }
}

#[test]
#[cfg(feature = "scope")]
fn scope_is_alone_or_a_literal_bool() {
    for args in ["scope", "scope = false", "scope = true", "scope = None"] {
        assert_errors(Run, args, FINE, &[]);
    }
    let message = "`scope` is decided at compile time: write `scope` or `scope = false`";
    one("scope = wanted()", message, "wanted()");
    one(r#"scope = "user""#, message, r#""user""#);
}
