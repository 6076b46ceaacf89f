//! A bot that is a daemon made with the library, and exits slowly. Its arguments: its pidfile, and the minimum number
//! of milliseconds of its cleanup, which lasts until there is no file named `PIDFILE.hold`. It prints `up` when it
//! works, and `clean` when it is done.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [pidfile, millis] = arguments.as_slice() else {
        eprintln!("usage: slow_bot PIDFILE MILLISECONDS");
        return ExitCode::from(2);
    };
    let hold = PathBuf::from(format!("{pidfile}.hold"));
    let cleanup = Duration::from_millis(millis.parse().expect("milliseconds"));
    let body = move || {
        println!("up");
        while !daemonize_core::stopping() {
            daemonize_core::sleep(Duration::from_secs(1000));
        }
        println!("stopping");
        let end = Instant::now() + cleanup;
        while Instant::now() < end || hold.exists() {
            thread::sleep(Duration::from_millis(10));
        }
        println!("clean");
    };
    match daemonize_core::Daemon::new("slow").pidfile(pidfile).run(body).start() {
        Ok(started) => started.report(),
        Err(error) => error.report(),
    }
}
