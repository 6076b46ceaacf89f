//! `#[daemon::instance]`: what is said about it, and where. Its expansions are among the snapshots.

use super::tokens;
use crate::errors::Errors;
use crate::instance;

const FINE: &str = "fn main() { body(); }";

#[track_caller]
fn one(args: &str, item: &str, message: &str, place: &str) {
    let mut errors = Errors::default();
    let _ = instance::expansion(tokens(args), tokens(item), &mut errors);
    let found: Vec<(String, String)> = errors
        .into_inner()
        .into_iter()
        .flatten()
        .map(|error| (error.to_string(), error.span().source_text().unwrap_or_default()))
        .collect();
    assert_eq!(found, [(message.to_owned(), place.to_owned())], "`{args}` on `{item}`");
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
    one("name = \"a\", name = \"b\"", FINE, "`name` is said twice", "name");
    one("without_token = true", FINE, "`without_token` stands alone", "=");
    one("name, without_token", FINE, "`name` needs a value", "name");
}

#[test]
fn it_belongs_on_a_plain_main() {
    one("", "fn other() {}", "`#[daemon::instance]` belongs on `fn main`: a program is what there is one of", "other");
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
    one("", "struct Main;", "`#[daemon::instance]` belongs on `fn main`", "struct Main;");
}

/// The program has a `main` in any case, so that the mistake is the only error.
#[test]
fn there_is_a_main_even_then() {
    let printed = instance::attribute(tokens("colour = 3"), tokens(FINE)).to_string();
    assert!(printed.contains("fn main") && printed.contains("compile_error"), "{printed}");
}
