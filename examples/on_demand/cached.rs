//! A cache of build results and its client, in one program.

fn main() {}
