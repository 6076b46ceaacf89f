//! Errors about the function under the attribute, and the token each points at.

use super::assert_errors;
use crate::kind::Kind::{Message, Run, Step};

#[track_caller]
fn one(item: &str, message: &str, place: &str) {
    assert_errors(Run, "", item, &[(message, place)]);
}

#[test]
fn methods_are_no_daemons() {
    let message = "`#[daemon::run]` cannot be on a method: move it to a function outside of the `impl`";
    one("fn f(&self, x: u8) {}", message, "&self");
    one("fn f(mut self) {}", message, "mut self");
    one("fn f(self: Box<Self>) {}", message, "self: Box<Self>");
    one(
        "fn f(x: Vec<Self>) {}",
        "`#[daemon::run]` cannot be on a method: move it to a function outside of the `impl`, without `Self`",
        "Self",
    );
}

#[test]
fn qualified_functions_are_no_daemons() {
    one(
        "const fn f() {}",
        "`#[daemon::run]` cannot be on a `const fn`: remove `const`, a daemon starts at run time",
        "const",
    );
    one(
        "unsafe fn f() {}",
        "`#[daemon::run]` cannot be on an `unsafe fn`: remove `unsafe`, the library calls it from safe code",
        "unsafe",
    );
    one(
        r#"extern "C" fn f() {}"#,
        "`#[daemon::run]` cannot be on an `extern fn`: remove `extern`, only the library calls it",
        r#"extern "C""#,
    );
    assert_errors(
        Step,
        "",
        r#"unsafe extern "C" fn f(x: u8, ...) {}"#,
        &[
            (
                "`#[daemon::step]` cannot be on an `unsafe fn`: remove `unsafe`, the library calls it from safe code",
                "unsafe",
            ),
            (
                "`#[daemon::step]` cannot be on an `extern fn`: remove `extern`, only the library calls it",
                r#"extern "C""#,
            ),
        ],
    );
}

#[test]
#[cfg(not(feature = "tokio"))]
fn functions_that_await_need_a_feature() {
    let why = "an `async fn` needs the feature `tokio` of `daemonic`: enable it, or write a plain `fn`";
    one("async fn f() {}", why, "async");
    assert_errors(Message, "from = f", "async fn handle(job: Job) {}", &[(why, "async")]);
}

#[test]
#[cfg(feature = "tokio")]
fn functions_that_await_are_daemons_like_others() {
    assert_errors(Run, "runtime = current_thread", "async fn main() -> Result<(), E> { go().await }", &[]);
    assert_errors(Step, "worker_threads = cores()", "async fn f(state: &mut State) -> ! { go(state).await }", &[]);
    assert_errors(Message, "from = f, runtime = multi_thread", "async fn handle(job: Job) {}", &[]);
    let why = "`worker_threads` must be between 1 and 32768: each worker is a thread";
    assert_errors(Run, "worker_threads = 0", "async fn f() {}", &[(why, "0")]);
}

#[test]
fn generic_functions_are_no_daemons() {
    one(
        "fn f<'a, T: Clone>(x: &'a T) {}",
        "`#[daemon::run]` cannot be on a generic function: write one function for each `T`",
        "T",
    );
    one("fn f<const N: usize>() {}", "`#[daemon::run]` cannot be on a generic function: make `N` an argument", "N");
    one(
        "fn f(x: Vec<impl Fn()>) {}",
        "`#[daemon::run]` cannot take `impl Trait`: write the type, or `Box<dyn Trait>`",
        "impl",
    );
    one(
        "fn f() -> Result<(), impl Error> {}",
        "`#[daemon::run]` cannot return `impl Trait`: write the type, such as `Result<(), Error>`",
        "impl",
    );
}

#[test]
fn main_takes_no_arguments() {
    let message =
        "`main` takes no arguments: read them with `std::env::args`, or write `#[daemon::run(cli)]`, which parses them";
    one("fn main(x: u8) {}", message, "x: u8");
    // A key that uses the parameter is the same mistake.
    assert_errors(Run, "umask = x", "fn main(x: u32) {}", &[(message, "x: u32")]);
}

#[test]
fn a_handler_takes_a_message_by_value_and_nothing_else() {
    let one = |item: &str, message: &str, place: &str| assert_errors(Message, "from = f", item, &[(message, place)]);
    one("fn handle() {}", "a handler takes the message: write `fn handle(job: Job)`", "handle");
    one(
        "fn handle(job: Job, name: &str) {}",
        "a handler takes one message and nothing else: make this a part of the message",
        "name: &str",
    );
    let by_value = "a handler takes its message by value: remove the `&`";
    one("fn handle(job: &Job) {}", by_value, "&Job");
    one("fn handle<'a>(job: &'a mut Job) {}", by_value, "&'a mut Job");
    assert_errors(Message, "from = f", "fn handle<'a>((id, name): (u64, &'static str)) -> Result<(), E> { go() }", &[]);
    assert_errors(Message, "from = f", "fn handle(text: &'static str) {}", &[]);
    one(
        "fn main(job: Job) {}",
        "`main` handles messages only with `#[daemon::message(cli, …)]`: add the key `cli`, or put the attribute on another function",
        "main",
    );
}

#[test]
fn a_companion_hides_neither_the_crate_nor_a_type() {
    one(
        "fn daemon() {}",
        "the companion `daemon` would hide the crate `daemon`: choose another name with `companion = …`",
        "daemon",
    );
    one(
        "fn bool() {}",
        "the companion `bool` would hide the type `bool`: choose another name with `companion = …`",
        "bool",
    );
    assert_errors(Run, "companion = Daemonic", "fn daemon() {}", &[]);
}

#[test]
fn other_attributes_that_change_what_a_function_is_are_refused() {
    one(
        "#[tokio::main] fn main() {}",
        "`#[tokio::main]` would start its runtime before the fork: remove it; the feature `tokio` of `daemonic` starts one in the daemon",
        "#[tokio::main]",
    );
    one(
        "#[daemon::main] fn main() {}",
        "there is no `#[daemon::main]`: remove it, `#[daemon::run]` belongs on `main` itself",
        "#[daemon::main]",
    );
    one(
        r#"#[actix_web::main(flavor = "x")] fn main() {}"#,
        "`#[actix_web::main]` would start its runtime before the fork: remove it; the feature `tokio` of `daemonic` starts one in the daemon",
        r#"#[actix_web::main(flavor = "x")]"#,
    );
    one(
        "#[test] fn f() {}",
        "`#[test]` cannot be combined with `#[daemon::run]`: remove it, and test the plain function through `call`",
        "#[test]",
    );
    one(
        "#[tokio::test] fn f() {}",
        "`#[tokio::test]` cannot be combined with `#[daemon::run]`: remove it, and test the plain function through `call`",
        "#[tokio::test]",
    );
    one(
        "#[daemon::step] fn f() {}",
        "a function can be only one daemon: remove `#[daemon::step]` or `#[daemon::run]`",
        "#[daemon::step]",
    );
}

#[test]
fn a_runtime_attribute_above_is_known_by_what_it_left() {
    let item = "fn main() {
        let body = async { work().await };
        #[allow(clippy::expect_used, clippy::diverging_sub_expression, clippy::needless_return)]
        { return tokio::runtime::Builder::new_multi_thread().enable_all().build().expect(\"x\").block_on(body); }
    }";
    one(
        item,
        "`#[tokio::main]` would start its runtime before the fork: remove it; the feature `tokio` of `daemonic` starts one in the daemon",
        "main",
    );
}

#[test]
fn parameters_bear_only_lint_levels() {
    one(
        "fn f(#[cfg(unix)] x: u8) {}",
        "a parameter cannot have an attribute other than a lint level, such as `#[allow(unused)]`: remove it",
        "#[cfg(unix)]",
    );
    assert_errors(Run, "", "fn f(#[allow(unused)] x: u8) {}", &[]);
}

#[test]
fn only_functions_are_daemons() {
    for (item, word) in [
        ("pub struct S;", "struct"),
        ("#[doc = \"x\"] impl S { fn f() {} }", "impl"),
        ("mod m {}", "mod"),
        ("pub(crate) const X: fn() = f;", "X"),
        ("enum E {}", "enum"),
        ("trait T { fn f(); }", "trait"),
    ] {
        one(item, "`#[daemon::run]` belongs on a function: expected `fn`", word);
    }
    one("fn f();", "the function of a daemon needs a body", ";");
}

#[test]
fn all_mistakes_of_a_function_are_told_at_once() {
    assert_errors(
        Run,
        "",
        "#[test] #[tokio::main] fn f<T>(x: impl Into<T>) -> impl Sized { 3 }",
        &[
            (
                "`#[test]` cannot be combined with `#[daemon::run]`: remove it, and test the plain function through `call`",
                "#[test]",
            ),
            (
                "`#[tokio::main]` would start its runtime before the fork: remove it; the feature `tokio` of `daemonic` starts one in the daemon",
                "#[tokio::main]",
            ),
            ("`#[daemon::run]` cannot be on a generic function: write one function for each `T`", "T"),
            ("`#[daemon::run]` cannot take `impl Trait`: write the type, or `Box<dyn Trait>`", "impl"),
            ("`#[daemon::run]` cannot return `impl Trait`: write the type, such as `Result<(), Error>`", "impl"),
        ],
    );
}
