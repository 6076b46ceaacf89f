//! A module that defines everything again, and a renamed library.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]
#![allow(dead_code, non_upper_case_globals)]

mod everything {
    struct Option;
    struct Result;
    struct Vec;
    struct String;
    struct Started;
    struct Daemon;
    struct Signals;
    struct Duration;
    trait Clone {}
    trait Into {}
    trait From {}
    trait Borrow {}
    trait BorrowMut {}
    mod std {}
    mod core {}
    const __DAEMON: u32 = 0;
    static DAEMON: u32 = 0o27;

    #[derive(::core::clone::Clone)]
    struct Config;

    fn reload() {}

    #[daemon::step(
        pidfile = "x.pid",
        umask = DAEMON,
        signals = { HUP => reload, TERM => ignore },
        every = "1s",
        detach = never
    )]
    fn shadowed(_config: Config, _state: &mut Vec, _name: &str) {}
}

mod renamed {
    extern crate daemon as other;

    mod daemon {}

    #[other::run(crate = crate::renamed::other, umask = 0)]
    fn elsewhere() {}

    #[other::step(crate = ::daemon)]
    fn absolute(_x: u8) {}
}

fn main() {}
