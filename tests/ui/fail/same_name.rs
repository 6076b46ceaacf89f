//! The companion takes the name of a type: without `companion` it meets the module.

#[daemon::run]
fn served() {}

mod served {}

fn main() {}
