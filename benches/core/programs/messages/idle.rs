//! An idle daemon that waits for messages: `idle threads PIDFILE`, or `idle tasks PIDFILE`.

use std::process::ExitCode;

use daemon::Daemon;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, pidfile] = &arguments[..] else { panic!("idle threads|tasks PIDFILE") };
    let daemon = Daemon::new("idle").pidfile(pidfile);
    let started = match kind.as_str() {
        "threads" => daemon.messages(|| None::<u8>, |_| ()).start(),
        "tasks" => daemon.messages_async(|| None::<u8>, async |_| ()).start(),
        other => panic!("which kind? {other}"),
    };
    started.map_or_else(|error| error.report(), |_| ExitCode::SUCCESS)
}
