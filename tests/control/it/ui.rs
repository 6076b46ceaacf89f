//! What a user sees of the key `control`: see `tests/it/ui.rs`, which says how these are rewritten.

use std::process::Command;

#[test]
fn what_must_compile_does() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn what_must_not_compile_says_why() {
    let version = Command::new("rustc").arg("--version").output().expect("there is no rustc");
    if String::from_utf8_lossy(&version.stdout).starts_with("rustc 1.95.") {
        trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
    } else {
        eprintln!("only one compiler's words are quoted; the messages themselves are checked in daemonize-macros");
    }
}
