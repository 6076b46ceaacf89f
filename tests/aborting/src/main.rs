//! A daemon whose body, step or function that fetches panics at once: `aborting PIDFILE KIND READY`.
//!
//! `KIND` is `run`, `thread` (another thread panics), `step` or `messages`; `READY` is `auto` or `manual`.
#![deny(unsafe_code)]

use std::process::ExitCode;
use std::thread;

use daemonize_core::settings::Ready;
use daemonize_core::{Daemon, Result};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [pidfile, kind, ready] = &arguments[..] else { panic!("`aborting PIDFILE KIND READY`") };
    let ready = if ready == "manual" { Ready::Manual } else { Ready::Auto };
    match start(Daemon::new("aborting").pidfile(pidfile.as_str()).ready(ready), kind) {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}

fn start(daemon: Daemon, kind: &str) -> Result<ExitCode> {
    match kind {
        "run" => daemon.run(fail).start(),
        "thread" => daemon.run(|| drop(thread::spawn(fail).join())).start(),
        "step" => daemon.step(fail).start(),
        _ => daemon.messages(fetch, |()| ()).start(),
    }?
    .report()
}

fn fetch() -> Option<()> {
    fail();
    None
}

fn fail() {
    panic!("no such table");
}
