//! A configurable daemon: the first argument is a verb, the others are settings.
//!
//! ```sh
//! lab start   pidfile=./d.pid ready=manual body=say:hello,ready,idle handle=HUP:note:reloaded
//! lab status  pidfile=./d.pid
//! lab send    pidfile=./d.pid signal=HUP
//! lab stop    pidfile=./d.pid
//! ```
//!
//! Verbs: `start`, `restart`, `foreground`, `stop`, `reload`, `status`, `send`, `pid`, `cycle` (start and stop, `times=N` times
//! in one process), `activate` (become the daemon here, then run the body), `staged` (the same, with `between=…`
//! between two stages). Every key of [`settings`] is the builder method of the same name. Bodies, handlers and hooks
//! are functions of [`bodies`] or [`look::actions`]; so are `first=…` (before the verb) and `last=…` (after it, in the
//! process that returned from it). `step=…` makes a daemon of steps, `inbox=FILE` one that handles [`messages`];
//! `attach=…` adds an [`attachment`]. With `guard=FILE`, a local of the body writes to that file when it is dropped; with `returns=STATUS` the
//! body returns that exit status.
#![deny(unsafe_code)]

mod attachment;
mod bodies;
mod logger;
mod messages;
mod settings;
mod verbs;

use std::process::ExitCode;

/// The exit status of a wrong command line, as `EX_USAGE` in `sysexits.h`: the test itself is wrong.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    logger::begin();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match settings::parse(&arguments) {
        Ok(experiment) => verbs::perform(experiment),
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::from(USAGE)
        }
    }
}
