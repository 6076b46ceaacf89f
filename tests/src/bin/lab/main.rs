//! A daemon to experiment with: the first argument is a verb, the others say what the daemon is like and does.
//!
//! ```sh
//! lab start   pidfile=./d.pid ready=manual body=say:hello,ready,idle handle=HUP:touch:reloaded
//! lab status  pidfile=./d.pid
//! lab send    pidfile=./d.pid signal=HUP
//! lab stop    pidfile=./d.pid
//! ```
//!
//! Verbs: `start`, `restart`, `foreground`, `stop`, `status`, `send`, `pid`, `cycle` (start and stop, `times=N` times in
//! this one process), `activate` (become the daemon here, then perform the body). Every key of [`settings`] is the builder
//! method of the same name; what bodies, handlers and hooks do is written in the language of [`act`], as are `first=…`
//! (performed before the verb) and `last=…` (after it, in the process that came back from it). `step=acts` makes a daemon of
//! steps, `inbox=FILE` one that handles messages: see [`inbox`]; `beside=…` attaches something: see [`beside`].
#![deny(unsafe_code)]

mod act;
mod beside;
mod inbox;
mod logger;
mod manager;
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
        Err(text) => {
            eprintln!("lab: {text}");
            ExitCode::from(USAGE)
        }
    }
}
