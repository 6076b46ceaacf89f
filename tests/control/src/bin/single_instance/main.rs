//! Single instances and clients, for the black-box tests.
//!
//! * `hold DIR [then=NAME] [key=value …]`: an instance, and one of the functions of [`holders`]
//! * `launch DIR NAME`: an instance, or an event to the running one
//! * `open DIR …`: an instance that logs the arguments of later launches
//! * `call DIR get ROUTE | send ROUTE JSON | event NAME JSON | stop | running | pid`: calls of an instance
//! * `client PIDFILE [async] get ROUTE | …`: calls of a daemon; `many PIDFILE THREADS CALLS`: calls from many threads
//! * `daemon start|stop PIDFILE [tcp] [user=NAME] [endpoint=no]`: a daemon that publishes on `publish`
//! * `listen unix|tcp ADDRESS LOG`, `seal PIDFILE ADDRESS …`, `lock PIDFILE MILLISECONDS`, `crowd PIDFILE`,
//!   `leave PIDFILE BYTES|all|stays`, `flood PIDFILE KIND`: the [`impostors`], and hostile daemons
//! * `forever PIDFILE`: clients without a time limit
//! * `in_runtime PIDFILE none|current|multi`: a blocking client in such a runtime; `start_after_calls PIDFILE OTHER`: a daemon of a
//!   process that has used a client before

mod clients;
mod daemons;
mod flood;
mod holders;
mod impostors;
mod instance;

use std::process::ExitCode;

use daemon::control::Error;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|verb| verb == "open") {
        return ended(instance::open());
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["hold", directory, settings @ ..] => holders::hold(directory, settings),
        ["launch", directory, name] => instance::launch(directory, name),
        ["call", directory, call @ ..] => clients::of_instance(directory, call),
        ["client", pidfile, "async", call @ ..] => clients::asynchronous(pidfile, call),
        ["client", pidfile, call @ ..] => clients::blocking(pidfile, call),
        ["daemon", verb, pidfile, settings @ ..] => return daemons::daemon(verb, pidfile, settings),
        ["in_runtime", pidfile, kind] => clients::in_runtime(pidfile, kind),
        ["start_after_calls", pidfile, other] => clients::start_after_calls(pidfile, other),
        ["many", pidfile, threads, calls] => clients::many(pidfile, number(threads), number(calls)),
        ["events", pidfile, kind, count] => clients::events(pidfile, kind, number(count)),
        ["listen", kind, address, log] => {
            impostors::listen(kind, address, log);
            Ok(())
        }
        ["seal", pidfile, addresses @ ..] => {
            impostors::seal(pidfile, addresses);
            Ok(())
        }
        ["crowd", pidfile] => {
            impostors::crowd(pidfile);
            Ok(())
        }
        ["leave", pidfile, how] => {
            impostors::leave(pidfile, how);
            Ok(())
        }
        ["flood", pidfile, kind] => {
            flood::flood(pidfile, kind);
            Ok(())
        }
        ["forever", pidfile] => clients::forever(pidfile),
        ["lock", pidfile, milliseconds] => {
            impostors::lock(pidfile, number(milliseconds));
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
