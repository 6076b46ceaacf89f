//! Single instances and clients, for the black-box tests.
//!
//! * `hold DIR [key=value …]`: an instance until it is stopped; `launch DIR NAME`: an instance, or an event to the first
//! * `open DIR …`: an instance that notes what later launches are launched with, whatever the arguments are
//! * `call DIR get ROUTE | send ROUTE JSON | event NAME JSON | stop | running | pid`: an instance from outside
//! * `client PIDFILE [async] get ROUTE | …`: a daemon from outside; `many PIDFILE THREADS CALLS`: and many of them
//! * `daemon start|stop PIDFILE [tcp] [user=NAME] [endpoint=no]`: a daemon that publishes on `publish`
//! * `listen unix|tcp ADDRESS LOG`: a stranger who writes down what is sent to him; `seal PIDFILE ADDRESS …`: a pidfile without an
//!   endpoint; `lock PIDFILE MILLISECONDS`: a lock without a pidfile; `crowd PIDFILE`, `leave PIDFILE BYTES|all|stays`: a daemon that
//!   no client can connect to, or that leaves without an answer; `forever PIDFILE`: clients that would wait for ever;
//!   `flood PIDFILE KIND`: a daemon whose answer has no end
//! * `in_runtime PIDFILE none|current|multi`: a blocking client there; `start_after_calls PIDFILE OTHER`: a daemon of a process that
//!   was a client before

mod calls;
mod daemons;
mod flood;
mod hold;
mod strangers;

use std::process::ExitCode;

use daemon::control::Error;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|verb| verb == "open") {
        return ended(hold::open());
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["hold", directory, settings @ ..] => hold::hold(directory, settings),
        ["launch", directory, name] => hold::launch(directory, name),
        ["call", directory, call @ ..] => calls::instance(directory, call),
        ["client", pidfile, "async", call @ ..] => calls::asynchronous(pidfile, call),
        ["client", pidfile, call @ ..] => calls::blocking(pidfile, call),
        ["daemon", verb, pidfile, settings @ ..] => return daemons::daemon(verb, pidfile, settings),
        ["in_runtime", pidfile, kind] => calls::in_runtime(pidfile, kind),
        ["start_after_calls", pidfile, other] => calls::start_after_calls(pidfile, other),
        ["many", pidfile, threads, calls] => calls::many(pidfile, number(threads), number(calls)),
        ["events", pidfile, kind, count] => calls::events(pidfile, kind, number(count)),
        ["listen", kind, address, log] => {
            strangers::listen(kind, address, log);
            Ok(())
        }
        ["seal", pidfile, addresses @ ..] => {
            strangers::seal(pidfile, addresses);
            Ok(())
        }
        ["crowd", pidfile] => {
            strangers::crowd(pidfile);
            Ok(())
        }
        ["leave", pidfile, how] => {
            strangers::leave(pidfile, how);
            Ok(())
        }
        ["flood", pidfile, kind] => {
            flood::flood(pidfile, kind);
            Ok(())
        }
        ["forever", pidfile] => calls::forever(pidfile),
        ["lock", pidfile, milliseconds] => {
            strangers::lock(pidfile, number(milliseconds));
            Ok(())
        }
        other => panic!("no such verb: {other:?}"),
    };
    ended(outcome)
}

fn ended(outcome: Result<(), Error>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{:?}: {error}", error.kind());
            error.into()
        }
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}
