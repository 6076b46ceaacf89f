//! The attributes as users see them: programs that must compile without a warning. The errors of those that must not are in the package
//! of the tests of `control`, which is compiled for such programs already.

use std::path::Path;

/// The passing cases are examples of this package with `deny(warnings)`.
#[test]
fn program_that_must_compile_runs() {
    let programs = Path::new(env!("CARGO_BIN_EXE_on-demand-lab")).parent().expect("a directory of programs");
    look::run_passing(Path::new("ui/pass"), &programs.join("examples"));
}
