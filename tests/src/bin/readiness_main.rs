//! An annotated `main` whose body fails in the way that the argument names: `readiness_main WAY`.
#![deny(unsafe_code)]

#[path = "readiness/ways.rs"]
mod ways;

#[daemon::run(pidfile = look::in_lab("d.pid"), stderr = look::in_lab("log"))]
fn main() -> ways::Fallible {
    ways::perform(&std::env::args().nth(1).expect("a way"))
}
