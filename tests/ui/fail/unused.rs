//! The launch's outcome is not to be overlooked; dead code in a body is still told.
#![deny(warnings, dead_code)]

#[daemon::run]
fn sleepy() {
    fn nobody() {}
}

#[daemon::run]
#[deprecated = "sleep better"]
fn old() {}

fn main() {
    sleepy();
    let _ = old();
}
