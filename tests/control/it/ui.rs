//! The compiler errors of the keys of `control`, `cli` and `on-demand`. `tests/it/ui.rs` describes how the expected texts are rewritten.

use std::path::Path;
use std::process::Command;

use crate::examples::programs;

/// The passing cases are examples of this package with `deny(warnings)`.
#[test]
fn program_that_must_compile_runs() {
    look::run_passing(Path::new("ui/pass"), &programs().join("examples"));
}

#[test]
fn program_that_must_not_compile_gets_its_error() {
    let version = Command::new("rustc").arg("--version").output().expect("there is no rustc");
    if String::from_utf8_lossy(&version.stdout).starts_with("rustc 1.95.") {
        trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
    } else {
        eprintln!("only one compiler's words are quoted; the messages themselves are checked in daemonize-macros");
    }
}
