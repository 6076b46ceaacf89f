//! Programs with the keys `cli`, `service` and `log(…)` that must compile without a warning. The errors of those that must not compile
//! are in `tests/control/ui/fail`, since one package builds the crates of both.

use std::path::Path;

/// Builds the examples of this package unless `scripts/test` has, and runs them: they deny warnings.
#[test]
fn program_that_must_compile_runs() {
    let programs = look::programs(env!("CARGO_BIN_EXE_attribute"), &["daemonic-cli-tests"]);
    look::run_passing(Path::new("ui/pass"), &programs.join("examples"));
}
