//! A daemon with an endpoint, for the black-box tests: `start | foreground | stop | status | client | ask | crowd` and settings,
//! `key=value`.
//!
//! `body=NAME` is one of the [`bodies`]. The daemon writes lines to files in the lab's directory, and its endpoint answers
//! requests.

mod ask;
mod bodies;
mod settings;

use std::process::ExitCode;

use daemon::control::Client;
use settings::Settings;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().unwrap_or_default();
    let settings = Settings::parse(arguments);
    log::set_logger(&Stderr).map(|()| log::set_max_level(log::LevelFilter::Trace)).expect("the first logger");
    if verb == "ask" {
        let user = settings.get("become").map(|user| user.parse().expect("a number"));
        ask::ask(settings.get("socket").expect("a path"), user);
        return ExitCode::SUCCESS;
    }
    if verb == "crowd" {
        ask::crowd(settings.get("socket").expect("a path"), settings.get("told").expect("a path"));
        return ExitCode::SUCCESS;
    }
    let daemon = settings.daemon();
    let outcome = match verb.as_str() {
        "start" => settings.body(daemon.attach(settings.endpoint()), false),
        "foreground" => settings.body(daemon.attach(settings.endpoint()), true),
        "stop" => daemon.stop().map(|stopped| println!("{stopped}")),
        "status" => daemon.status().map(|status| status.addresses.iter().for_each(|address| println!("{address}"))),
        "client" => {
            match Client::of(&daemon).get("/") {
                Ok(answer) => println!("{answer}"),
                Err(error) => println!("{error}"),
            }
            Ok(())
        }
        verb => panic!("no verb `{verb}`"),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

/// A logger that writes each record to standard error at once.
struct Stderr;

impl log::Log for Stderr {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        eprintln!("{}: {}", record.level(), record.args());
    }

    fn flush(&self) {}
}
