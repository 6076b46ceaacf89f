//! Does nothing: what a Rust program costs.

fn main() {}
