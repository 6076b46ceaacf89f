//! A program that is a service.

fn main() {}
