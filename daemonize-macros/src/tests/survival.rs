//! After an error there is still an item, and it is one the compiler can read.

use super::{errors, expansion};
use crate::kind::Kind::Run;

/// The expansion as text, one space between tokens.
fn text(args: &str, item: &str) -> String {
    let tokens = expansion(Run, args, item);
    syn::parse2::<syn::File>(tokens.clone()).expect("the expansion is no items");
    tokens.to_string()
}

#[test]
fn a_wrong_key_leaves_the_daemon_its_other_keys() {
    let text = text(r#"umask = 22, pidfile = "x.pid""#, "fn f() { body(); }");
    for part in ["compile_error", "enum f", "companion_verbs !", "body ()", r#". pidfile ("x.pid")"#] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(!text.contains("umask ("), "{text}");
}

#[test]
fn a_refused_function_keeps_its_body_and_all_verbs() {
    for item in [
        "unsafe fn f(x: u8) -> u8 { body() }",
        "unsafe fn f(x: u8) { body() }",
        "fn f<T: Clone>(x: T) { body() }",
        "fn f() -> impl Sized { body() }",
        "#[test] fn f() { body() }",
    ] {
        let text = text("", item);
        for part in ["compile_error", "enum f", "fn start", "companion_verbs !", "fn call", "body ()"] {
            assert!(text.contains(part), "no `{part}` for `{item}` in {text}");
        }
    }
}

#[test]
fn a_refused_main_is_still_a_main_without_arguments() {
    let text = text("", "fn main(x: u8) { body() }");
    assert!(text.contains("fn main () ->"), "{text}");
    assert!(text.contains("fn main (x : u8)"), "{text}");
}

#[test]
#[cfg(feature = "cli")]
fn a_half_typed_command_line_is_still_a_main_with_its_keys() {
    for args in [
        "cli(",
        "cli(default",
        "cli(default =",
        "cli, service",
        "cli, service(hardening = ",
        "cli, service(hardening = strict, wat",
        "cli, log(max_size = \"10M\"",
        "cli, user = args.",
        "cli, user = args. , umask",
        "cli = ",
    ] {
        // An editor closes what is open.
        let closed =
            if args.contains('(') { format!("{args}), grace = \"1s\"") } else { format!("{args}, grace = \"1s\"") };
        let text = text(&closed, "fn main(args: Args) { body(args) }");
        for part in
            ["compile_error", "fn main () ->", "fn __settings", "args : Args", "fn call", "body (args)", ". grace ("]
        {
            assert!(text.contains(part), "no `{part}` for `{args}` in {text}");
        }
    }
}

#[test]
#[cfg(feature = "cli")]
fn a_refused_main_with_a_command_line_has_one_error() {
    for (args, item) in [
        ("cli, pidfile = args.pidfile", "fn main(args: &Args) { body() }"),
        ("cli, pidfile = args.pidfile", "fn main(args: Args, more: u8) { body() }"),
        ("cli, pidfile = args.pidfile", "fn main<T: Args>(args: T) { body() }"),
        ("cli, pidfile = args.pidfile", "fn main(args: impl Args) { body() }"),
        ("cli, pidfile = args.pidfile", "unsafe fn main(args: Args) { body() }"),
        ("cli, pidfile = args.pidfile", "fn main(#[cfg(unix)] args: Args) { body() }"),
        ("cli, pidfile = args.pidfile", "fn main(args: Args);"),
        ("cli = true, pidfile = args.pidfile", "fn main(args: Args) { body() }"),
        ("cli, pidfile = args.pidfile", "fn serve(args: Args) { body() }"),
    ] {
        assert_eq!(errors(Run, args, item).len(), 1, "`{args}` on `{item}`: {:?}", errors(Run, args, item));
        let text = text(args, item);
        assert!(text.contains("compile_error") && text.contains("args . pidfile"), "{text}");
    }
}

#[test]
fn what_is_no_function_or_a_method_is_given_back_untouched() {
    for item in ["struct S ;", "fn f (& self) { body () }"] {
        assert!(text("", item).starts_with(item), "{item}");
    }
}

#[test]
fn a_body_that_is_half_typed_is_none_of_our_business() {
    assert_eq!(errors(Run, "", "fn f() { x. ; let = }"), []);
    assert!(expansion(Run, "", "fn f() { x. ; let = }").to_string().contains("{ x . ; let = }"));
}

#[test]
fn a_missing_absolute_path_is_filled_in() {
    assert!(text("crate = renamed", "fn f() {}").contains(":: renamed :: Daemon"));
}
