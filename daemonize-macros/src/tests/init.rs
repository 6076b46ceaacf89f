//! The attribute `#[daemon::init]`: where it belongs, and what else `main` may have.

use super::{assert_errors, expansion};
use crate::kind::Kind::{Init, Instance, Run, Step};

#[track_caller]
fn one(args: &str, item: &str, message: &str, place: &str) {
    assert_errors(Init, args, item, &[(message, place)]);
}

#[test]
fn main_of_every_form_is_accepted() {
    for item in [
        "fn main() {}",
        "pub fn main() -> anyhow::Result<()> { run() }",
        "fn main() -> impl Termination { run() }",
        "#[tokio::main(flavor = \"current_thread\")] async fn main() {}",
        "#[actix_web::main] async fn main() -> std::io::Result<()> { run().await }",
        "#[allow(unused)] #[cfg(unix)] #[inline] fn main() -> ! { loop {} }",
        // `#[tokio::main]` above has expanded already.
        "fn main() { let body = async {}; return tokio::runtime::Builder::new_multi_thread().build().block_on(body); }",
    ] {
        assert_errors(Init, "", item, &[]);
        let text = expansion(Init, "", item).to_string();
        // The user's function comes first: an item behind a statement is a lint.
        assert!(text.contains(":: daemon :: exec :: init () ; main () }"), "{text}");
    }
    assert!(expansion(Init, "crate = ::own", "fn main() {}").to_string().contains(":: own :: exec :: init ()"));
}

#[test]
fn function_that_is_not_the_programs_main_is_refused() {
    let library =
        "`#[daemon::init]` belongs on `fn main`: in a library, tell the program to call `daemon::init()` there";
    one("", "pub fn setup() {}", library, "setup");
    one("", "async fn serve() {}", library, "serve");
    one("", "struct Program;", "`#[daemon::init]` belongs on `fn main`: expected `fn`", "struct");
    one(
        "",
        "fn main(arguments: Vec<String>) {}",
        "`main` takes no arguments: read them with `std::env::args`",
        "arguments: Vec<String>",
    );
    one("", "unsafe fn main() {}", "`#[daemon::init]` belongs on a plain `fn main()`: remove `unsafe`", "unsafe");
    one("", "fn main<T>() {}", "`#[daemon::init]` belongs on a plain `fn main()`: remove `<T>`", "<T>");
    one(
        "",
        "async fn main() {}",
        "an `async fn main` needs a runtime: write `#[tokio::main]` below `#[daemon::init]`",
        "async",
    );
    one(
        "",
        "#[test] fn main() {}",
        "`#[daemon::init]` belongs on `fn main`, not on a test: remove it, and write `daemon::test_support!();` once in the crate \
         of the tests",
        "#[test]",
    );
}

#[test]
fn attribute_that_calls_init_itself_needs_no_second_one() {
    for (attribute, kind) in [("run", Run), ("step", Step), ("instance", Instance)] {
        let written = format!("#[daemon::{attribute}]");
        let message = format!("`{written}` on `main` calls `daemon::init()` itself: remove `#[daemon::init]`");
        one("", &format!("{written} fn main() {{}}"), &message, &written);
        let message = format!("`{written}` on `main` calls `daemon::init()` itself: remove `#[daemon::init]`");
        assert_errors(kind, "", "#[daemon::init] fn main() {}", &[(&message, "#[daemon::init]")]);
    }
    one("", "#[daemon::init] fn main() {}", "`#[daemon::init]` is written twice: remove one", "#[daemon::init]");
}

#[test]
fn attribute_has_one_key() {
    one(
        "umask = 0",
        "fn main() {}",
        "`umask` does not belong to `#[daemon::init]`, but to `#[daemon::run]`, `#[daemon::step]` or `#[daemon::message]`: it sets \
         the umask",
        "umask",
    );
    one("colour = 3", "fn main() {}", "unknown key `colour`, expected one of `crate`", "colour");
    one("3", "fn main() {}", "expected a key before this value, such as `crate = ::daemon`", "3");
    one(
        "crate = own",
        "fn main() {}",
        "the path of the library must be absolute: write `::own` or `crate::own`",
        "own",
    );
}
