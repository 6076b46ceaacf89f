//! Telling people what went wrong when nobody waits for an answer any more.

use nix::sys::stat::{fstat, major, minor};
use nix::syslog::{Facility, LogFlags, Severity, openlog, syslog};
use std::io;
use std::sync::{Mutex, PoisonError};

static NAME: Mutex<String> = Mutex::new(String::new());

/// The name under which this process complains from now on.
pub(crate) fn set_name(name: &str) {
    name.clone_into(&mut NAME.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Says it on stderr, and when stderr is `/dev/null` to syslog (`daemon.err`): an error nobody can see is a lie.
pub(crate) fn error(text: &str) {
    let name = NAME.lock().unwrap_or_else(PoisonError::into_inner).clone();
    log::error!("{name}: {text}");
    eprintln!("{name}: {text}");
    if nobody_reads_stderr() {
        let _ = openlog(None, LogFlags::LOG_NDELAY, Facility::LOG_DAEMON);
        let _ = syslog(Severity::LOG_ERR, &format!("{name}[{}]: {}", std::process::id(), one_line(text)));
    }
}

/// Whether stderr is `/dev/null` (device 1:3) or closed.
fn nobody_reads_stderr() -> bool {
    fstat(io::stderr()).map_or(true, |status| (major(status.st_rdev), minor(status.st_rdev)) == (1, 3))
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}
