//! A daemon to experiment with: the first argument is a verb, the others say what the daemon is like and does.
//!
//! ```sh
//! lab start   pidfile=./d.pid ready=manual body=say:hello,ready,idle handle=HUP:note:reloaded
//! lab status  pidfile=./d.pid
//! lab send    pidfile=./d.pid signal=HUP
//! lab stop    pidfile=./d.pid
//! ```
//!
//! Verbs: `start`, `restart`, `foreground`, `stop`, `status`, `send`, `pid`, `cycle` (start and stop, `times=N` times in
//! this one process), `activate` (become the daemon here, then run the body), `staged` (the same with
//! `between=…` between two stages). Every key of [`settings`] is the builder
//! method of the same name. What bodies, handlers and hooks do is one of the functions of [`bodies`], or a few
//! [`look::actions`]; so is `first=…` (before the verb) and `last=…` (after it, in the process that came back from it).
//! `step=…` makes a daemon of steps, `inbox=FILE` one that handles [`messages`]; `attach=…` attaches something: see
//! [`attachment`]. `guard=FILE` gives the body a local that notes there when it is dropped.
#![deny(unsafe_code)]

mod attachment;
mod bodies;
mod logger;
mod messages;
mod settings;
mod verbs;

use std::process::ExitCode;

/// What the shell's own `EX_USAGE` says: the test itself is wrong.
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
