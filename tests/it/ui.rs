//! The attributes as users see them: programs that must compile without a warning (`ui/pass`), and the errors of those
//! that must not compile (`ui/fail`).
//!
//! `TRYBUILD=overwrite cargo test -p daemonic-tests --test it ui` rewrites the `.stderr` files; then read the
//! difference.

use std::path::Path;
use std::process::Command;

use crate::examples::programs;

/// The compiler whose messages the `.stderr` files quote; other versions word them differently.
const QUOTED: &str = "rustc 1.95.";

/// They are examples of this package with `deny(warnings)`, so the build of the workspace includes them.
#[test]
fn program_that_must_compile_runs() {
    look::run_passing(Path::new("ui/pass"), &programs().join("examples"));
}

#[test]
fn program_that_must_not_compile_gets_its_error() {
    let version = Command::new("rustc").arg("--version").output().expect("there is no rustc");
    if String::from_utf8_lossy(&version.stdout).starts_with(QUOTED) {
        trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
    } else {
        eprintln!("only {QUOTED}x can compare its words; the messages themselves are checked in daemonize-macros");
    }
}
