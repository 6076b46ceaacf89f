//! `#[daemon::instance]`: what is said about it, and where. Its expansions are among the snapshots.

use super::{assert_errors, expansion};
use crate::keys::Kind::Instance;

const FINE: &str = "fn main() { body(); }";

#[track_caller]
fn one(args: &str, item: &str, message: &str, place: &str) {
    assert_errors(Instance, args, item, &[(message, place)]);
}

#[test]
fn keys_are_known_and_said_once() {
    one("nam = \"x\"", FINE, "unknown key `nam`, did you mean `name`?", "nam");
    one(
        "colour = 3",
        FINE,
        "unknown key `colour`, expected one of `name`, `app_dir`, `address`, `without_token`, `on_open`, `configure`, `crate`",
        "colour",
    );
    one("name = \"a\", name = \"b\"", FINE, "duplicate key `name`", "name");
    one("without_token = true", FINE, "`without_token` stands alone, without a value", "=");
    one("name, without_token", FINE, r#"`name` needs a value, such as `name = "my_app"`"#, "name");
}

#[test]
fn it_belongs_on_a_plain_main() {
    one("", "fn other() {}", "`#[daemon::instance]` belongs on `fn main`: there is one instance of a program", "other");
    one(
        "",
        "async fn main() {}",
        "`#[daemon::instance]` wants a plain `fn main`: build the runtime in it, since only the first one needs it",
        "async",
    );
    one(
        "",
        "fn main(running: Running, more: u8) {}",
        "`fn main` has at most one parameter here: `running: Running`",
        "more: u8",
    );
    one("", "struct Main;", "`#[daemon::instance]` belongs on `fn main`: expected `fn`", "struct");
}

/// The program has a `main` in any case, so that the mistake is the only error.
#[test]
fn there_is_a_main_even_then() {
    let printed = expansion(Instance, "colour = 3", FINE).to_string();
    assert!(printed.contains("fn main") && printed.contains("compile_error"), "{printed}");
}
