//! A daemon with an annotated `main`, which notes the processes that run its exit function and drop its locals.
#![deny(unsafe_code)]

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

#[daemon::run(pidfile = look::in_lab("annotated.pid"), configure = before_the_fork)]
fn main() {
    let _guard = Guard;
    loop {
        daemon::sleep(Duration::from_secs(3600));
    }
}

/// Registers an exit function in the launcher, so that the daemon inherits it.
fn before_the_fork(daemon: daemon::Daemon) -> daemon::Daemon {
    look::sys::at_exit(note_exit);
    daemon
}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        note("dropped");
    }
}

extern "C" fn note_exit() {
    note("atexit");
}

/// Appends the pid of this process to a file of the lab.
fn note(file: &str) {
    let opened = OpenOptions::new().append(true).create(true).open(look::in_lab(file));
    let _ = opened.and_then(|mut file| file.write_all(format!("{}\n", std::process::id()).as_bytes()));
}
