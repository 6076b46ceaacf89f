//! Daemons on demand and launches by exec, and their clients, for the tests: `on-demand-lab HELPER ARGUMENTS…`.

mod client;
mod exec;
mod server;
mod versions;

use std::process::ExitCode;

fn main() -> ExitCode {
    daemon::exec::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.split_first() {
        Some((&"client", rest)) => client::main(rest),
        Some((&"exec", rest)) => {
            exec::run(rest.iter().map(|text| (*text).to_owned()));
            ExitCode::SUCCESS
        }
        Some((&"server", rest)) => server::main(rest),
        Some((&"versions", rest)) => versions::main(rest),
        _ => {
            eprintln!("unknown helper: {arguments:?}");
            ExitCode::from(99)
        }
    }
}
