//! Daemons on demand and launches by exec, and their clients, for the tests: `on-demand-lab HELPER ARGUMENTS…`.

mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.split_first() {
        Some((&"server", rest)) => server::main(rest),
        _ => {
            eprintln!("unknown helper: {arguments:?}");
            ExitCode::from(99)
        }
mod exec;

fn main() {
    daemon::exec::init();
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("exec") => exec::run(arguments),
        other => panic!("{other:?} is not a helper"),
    }
}
