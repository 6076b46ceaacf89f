//! What a user sees of the attributes: programs that must compile without a warning (`ui/pass`), and the errors of those
//! that must not (`ui/fail`).
//!
//! `TRYBUILD=overwrite cargo test -p daemonic-tests --test it ui` rewrites the `.stderr` files; then read the difference.

use std::process::Command;

/// The compiler whose words the `.stderr` files quote; others say the same a little differently.
const QUOTED: &str = "rustc 1.95.";

#[test]
fn what_must_compile_does() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn what_must_not_compile_says_why() {
    let version = Command::new("rustc").arg("--version").output().expect("there is no rustc");
    if String::from_utf8_lossy(&version.stdout).starts_with(QUOTED) {
        trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
    } else {
        eprintln!("only {QUOTED}x can compare its words; the messages themselves are checked in daemonize-macros");
    }
}
