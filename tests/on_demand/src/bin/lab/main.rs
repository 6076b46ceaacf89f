//! Daemons on demand and launches by exec, and their clients, for the tests: `on-demand-lab HELPER ARGUMENTS…`.

mod attribute;
mod exec;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    if exec::is_uninitialised() {
        exec::without_init();
    } else {
        daemon::init();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (helper, rest) = arguments.split_first().expect("the name of a helper");
    let words: Vec<&str> = rest.iter().map(String::as_str).collect();
    match helper.as_str() {
        "attribute" => attribute::main(&words),
        "exec" => exec::run(rest),
        "server" => server::main(&words),
        other => panic!("`{other}` is not a helper"),
    }
}
