//! A daemon that does nothing, without an endpoint: `idle_daemon start PIDFILE`, `idle_daemon stop PIDFILE`.

use std::process::ExitCode;
use std::time::Duration;

use daemon::Daemon;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, verb, pidfile] = &arguments[..] else { panic!("idle_daemon start|stop PIDFILE") };
    let daemon = Daemon::new("idle").pidfile(pidfile);
    let outcome = match verb.as_str() {
        "start" => daemon.run(body).start().map(drop),
        "stop" => daemon.stop().map(drop),
        other => panic!("which verb? {other}"),
    };
    outcome.map_or_else(|error| error.report(), |()| ExitCode::SUCCESS)
}

fn body() {
    while !daemon::stopping() {
        daemon::sleep(Duration::from_secs(3600));
    }
}
