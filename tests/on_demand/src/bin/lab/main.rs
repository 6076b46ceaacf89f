//! Daemons on demand and launches by exec, and their clients, for the tests: `on-demand-lab HELPER ARGUMENTS…`.

mod attribute;
mod client;
mod exec;
mod faults;
mod isolate;
mod scope;
mod server;
mod versions;

use std::process::ExitCode;

fn main() -> ExitCode {
    if exec::is_uninitialised() {
        exec::without_init();
    } else {
        daemon::init();
    }
    if server::is_installable() {
        return server::installable();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.split_first() {
        Some((&"attribute", rest)) => attribute::main(rest),
        Some((&"client", rest)) => client::main(rest),
        Some((&"exec", _)) => exec::run(&arguments[1..]),
        Some((&"faults", rest)) => faults::main(rest),
        Some((&"isolate", rest)) => isolate::main(rest),
        Some((&"scope", rest)) => scope::main(rest),
        Some((&"server", rest)) => server::main(rest),
        Some((&"versions", rest)) => versions::main(rest),
        _ => {
            eprintln!("unknown helper: {words:?}");
            ExitCode::from(99)
        }
    }
}
