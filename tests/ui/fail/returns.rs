//! Errors about unsupported return types are at the return type.

struct Unknown<T>(T);

#[daemon::run]
fn sleepy(x: u8) -> Unknown<u8> {
    Unknown(x)
}

#[daemon::step]
fn tick() -> Vec<u8> {
    Vec::new()
}

#[daemon::run]
fn main() -> bool {
    true
}
