//! Acts on the daemon of `hello`: `verbs status | stop`.

use std::process::ExitCode;

use daemon::Daemon;

fn main() -> ExitCode {
    let verb = std::env::args().nth(1).unwrap_or_default();
    let daemon = Daemon::new("hello").pidfile("hello.pid");
    // As in `hello`.
    let _ = std::process::id();
    let outcome = match verb.as_str() {
        "status" => daemon.status().map(|status| assert!(status.exit_code() == 0, "{status}")),
        "stop" => daemon.stop().map(drop),
        other => panic!("which verb? {other}"),
    };
    outcome.map_or_else(|error| error.report(), |()| ExitCode::SUCCESS)
}
