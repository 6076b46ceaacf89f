//! Daemons on demand and launches by exec, and their clients, for the tests.

fn main() {}
