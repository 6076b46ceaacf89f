//! A library that launches a daemon by exec, without knowing the program that it is linked into.

use daemon::body::Work;
use daemon::exec::ExecDaemon;
use daemon::settings::Ready;
use daemon::{Daemon, Signal};
use std::path::PathBuf;
use std::time::Duration;

/// A daemon that says where it is from. At SIGUSR1 it tries to restart, and writes the error to the file `refused` beside the pidfile.
fn launched(pidfile: PathBuf) -> Daemon<impl Work> {
    let report = pidfile.with_file_name("refused");
    let restart = move || {
        let refused = daemon::restart().expect_err("the new program takes over");
        std::fs::write(&report, refused.to_string()).expect("a file");
    };
    let daemon = Daemon::new("sleeper").pidfile(pidfile).ready(Ready::Manual).handle(Signal::SIGUSR1, restart);
    daemon.run(|| {
        println!("of the library");
        daemon::ready().expect("it is a daemon");
        while daemon::sleep(Duration::from_secs(20)) {}
    })
}

/// Returns the library's daemon, to be launched by exec.
///
/// # Errors
/// The path cannot be encoded.
pub fn library_daemon(pidfile: PathBuf) -> daemon::Result<ExecDaemon> {
    daemon::exec!(launched(pidfile))
}
