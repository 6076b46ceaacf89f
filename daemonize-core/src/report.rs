//! Telling people what went wrong when nobody waits for an answer any more.

use crate::mutex;
use nix::sys::stat::{fstat, major, minor};
use nix::syslog::{Facility, LogFlags, Severity, openlog, syslog};
use std::io::{self, Write};
use std::panic::catch_unwind;
use std::sync::Mutex;

static NAME: Mutex<String> = Mutex::new(String::new());

/// The name under which this process complains from now on.
pub(crate) fn set_name(name: &str) {
    name.clone_into(&mut mutex::lock(&NAME));
}

/// Says it on stderr, and when stderr is `/dev/null` to syslog (`daemon.err`): an error nobody can see is a lie.
pub(crate) fn error(text: &str) {
    let name = mutex::lock(&NAME).clone();
    // Whoever reports is about to do something more important than that: neither a full disk nor a logger may stop it.
    let _ = catch_unwind(|| log::error!("{name}: {text}"));
    say(&format!("{name}: {text}"));
    if nobody_reads_stderr() {
        let _ = openlog(None, LogFlags::LOG_NDELAY, Facility::LOG_DAEMON);
        let _ = syslog(Severity::LOG_ERR, &format!("{name}[{}]: {}", std::process::id(), one_line(text)));
    }
}

/// One line on stderr, if it can be written.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Whether stderr is `/dev/null` (device 1:3) or closed.
fn nobody_reads_stderr() -> bool {
    fstat(io::stderr()).map_or(true, |status| (major(status.st_rdev), minor(status.st_rdev)) == (1, 3))
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}
