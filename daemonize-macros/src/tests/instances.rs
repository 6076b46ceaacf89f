//! `#[daemon::instance]`: what is said about it, and where. Its expansions are among the snapshots.

use super::{assert_errors, expansion};
use crate::kind::Kind::Instance;

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
    one("without_token = true", FINE, "`without_token` takes no value: write it alone", "=");
    one("name, without_token", FINE, r#"`name` needs a value, such as `name = "my_app"`"#, "name");
}

#[test]
fn it_belongs_on_a_plain_main() {
    one("", "fn other() {}", "`#[daemon::instance]` belongs on `fn main`: it applies to the whole program", "other");
    one(
        "",
        "async fn main() {}",
        "`#[daemon::instance]` needs a plain `fn main`: start the runtime inside it, since only the first launch needs one",
        "async",
    );
    one(
        "",
        "fn main(running: Running, more: u8) {}",
        "`fn main` has at most one parameter here, `running: Running`: remove this one",
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
