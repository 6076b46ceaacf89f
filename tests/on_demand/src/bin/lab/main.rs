//! Daemons on demand and launches by exec, and their clients, for the tests.

mod exec;

use std::process::ExitCode;

fn main() -> ExitCode {
    if exec::is_uninitialised() {
        exec::without_init();
    } else {
        daemon::exec::init();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (helper, rest) = arguments.split_first().expect("the name of a helper");
    match helper.as_str() {
        "exec" => exec::run(rest),
        other => panic!("`{other}` is not a helper"),
    }
}
