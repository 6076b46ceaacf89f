//! One function is one daemon.

#[daemon::run]
#[daemon::step(every = "1s")]
fn both() {}

#[daemon::run]
#[test]
fn tested() {}

fn main() {
    let _ = both::stop;
    let _ = tested::stop;
}
