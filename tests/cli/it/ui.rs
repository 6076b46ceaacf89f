//! The keys `cli`, `service` and `log(…)` as users see them: programs that must compile without a warning, and the errors of those
//! that must not compile. `tests/it/ui.rs` describes how the expected texts are rewritten.

use std::path::Path;
use std::process::Command;

/// Builds the examples of this package unless `scripts/test` has, and runs them: they deny warnings.
#[test]
fn program_that_must_compile_runs() {
    let programs = look::programs(env!("CARGO_BIN_EXE_attribute"), &["daemonic-cli-tests"]);
    look::run_passing(Path::new("ui/pass"), &programs.join("examples"));
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
