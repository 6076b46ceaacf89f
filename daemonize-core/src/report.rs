//! Reports of errors after the launcher has returned: stderr, the program's log, the system log.

use crate::escape::{escape, escape_lines};
use crate::mutex;
use crate::syslog;
use crate::thread::spawn;
use log::{Level, LevelFilter};
use nix::sys::stat::{fstat, major, minor};
use std::fmt::Display;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

static NAME: Mutex<String> = Mutex::new(String::new());

/// The last reported error, in one line.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// The failures that did not end this process, for the operator: one of each [`WarningSource`].
static WARNINGS: Mutex<[Option<String>; 3]> = Mutex::new([None, None, None]);

/// The part of the library that warns the operator.
#[derive(Clone, Copy)]
pub(crate) enum WarningSource {
    Start,
    Reload,
    Log,
}

/// Sets the name in the reports of this process.
pub(crate) fn set_name(name: &str) {
    name.clone_into(&mut mutex::lock(&NAME));
}

/// Reports an error on stderr, to the program's log, and when stderr is `/dev/null` to syslog (`daemon.err`). What the text quotes is
/// escaped; the line ends are kept on stderr alone.
pub(crate) fn error(text: &str) {
    report(text, stderr_is_null());
}

/// Reports an error as [`error`] does, and to syslog in any case: stderr may lead to a file that no operator reads.
pub(crate) fn alarm(text: &str) {
    report(text, true);
}

/// Reports the exit status that the body has chosen, to syslog and only if stderr is `/dev/null`: what the body has printed is lost
/// then as well.
pub(crate) fn exit_status(status: u8) {
    if stderr_is_null() {
        let name = mutex::lock(&NAME).clone();
        syslog::error(&escape(&name), &format!("ends with status {status}"));
    }
}

/// Returns the error that was reported last, in one line.
pub(crate) fn last_error() -> Option<String> {
    mutex::lock(&LAST).clone()
}

/// Returns the failures that did not end this process, if there are any.
pub(crate) fn warning() -> Option<String> {
    let warnings = mutex::lock(&WARNINGS);
    let texts: Vec<&str> = warnings.iter().flatten().map(String::as_str).collect();
    if texts.is_empty() { None } else { Some(texts.join("; ")) }
}

/// Sets the warning of one source, and returns its previous one.
pub(crate) fn replace_warning(source: WarningSource, warning: Option<String>) -> Option<String> {
    std::mem::replace(&mut mutex::lock(&WARNINGS)[source as usize], warning)
}

fn report(text: &str, to_syslog: bool) {
    let name = mutex::lock(&NAME).clone();
    let line = one_line(text);
    *mutex::lock(&LAST) = Some(line.clone());
    // The caller continues with something more important: neither a full disk nor a logger that panics may prevent that.
    let _ = catch_unwind(|| log::error!("{}: {line}", escape(&name)));
    print(&format!("{name}: {text}"));
    if to_syslog {
        syslog::error(&escape(&name), &line);
    }
}

/// Logs an action of this library with the program's logger (crate `log`), if it has one.
///
/// Must not be called while the daemon runs its stages: a thread that existed before the fork could have left the logger locked.
#[inline]
pub(crate) fn record(level: Level, name: &str, what: impl Display) {
    if level <= log::max_level() {
        record_enabled(level, name, &what);
    }
}

fn record_enabled(level: Level, name: &str, what: &dyn Display) {
    // A logger that panics does not stop the daemon.
    let _ = catch_unwind(AssertUnwindSafe(|| log::log!(level, "{}: {}", escape(name), one_line(&format!("{what}")))));
}

/// Returns `true` if the program may have a logger.
pub(crate) fn has_logger() -> bool {
    log::max_level() > LevelFilter::Off
}

/// Logs as [`record`] does, without blocking on the logger: the body may hold its lock.
pub(crate) fn record_from_signal_thread(level: Level, name: &str, what: &'static str) {
    if level <= log::max_level() {
        let name = name.to_owned();
        let _ = spawn("daemon-log", move || record(level, &name, what));
    }
}

/// Writes the text to stderr, escaped except for line ends. Errors are ignored.
pub(crate) fn print(text: &str) {
    // In one write(2): other processes and threads may print to the same file.
    let mut line = escape_lines(text).into_owned();
    line.push('\n');
    let _ = write!(io::stderr(), "{line}");
}

/// Returns `true` if stderr is `/dev/null` (device 1:3) or closed.
fn stderr_is_null() -> bool {
    fstat(io::stderr()).map_or(true, |status| (major(status.st_rdev), minor(status.st_rdev)) == (1, 3))
}

/// Joins the lines of an error with spaces and escapes control characters, so that a text can neither forge a line of a log nor
/// control a terminal.
fn one_line(text: &str) -> String {
    escape(&text.replace('\n', " ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 5.18.
    #[test]
    fn one_line_has_no_control_character() {
        assert_eq!(one_line("a\nb\x1b[2J\u{61c}\u{200b}ü"), "a b\\u{1b}[2J\\u{61c}\\u{200b}ü");
    }
}
