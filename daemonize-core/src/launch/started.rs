//! The result of a successful start.

use super::destination::Destination;
use crate::escape::{escape, escape_bytes};
use crate::pid::Pid;
use crate::stdout;
use crate::sys::fork::exit_now;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A daemon that was started and is ready.
///
/// Displays its pid, its pidfile and the destinations of its output:
///
/// ```no_run
/// let started = daemon::Daemon::new("sleepy").stdout("/var/log/sleepy.log").run(|| {}).start()?;
/// println!("{started}");
/// // started pid 4711 (pidfile `/run/sleepy.pid`); its stdout goes to `/var/log/sleepy.log`, its stderr to `/dev/null`, and
/// // errors that it reports to the system log
/// # Ok::<(), daemon::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// The daemon's pid.
    pub pid: Pid,
    /// The path of the daemon's pidfile; empty if it runs without one.
    pub pidfile: PathBuf,
    /// The destination of the daemon's stdout.
    pub stdout: Destination,
    /// The destination of the daemon's stderr.
    pub stderr: Destination,
    /// The daemon's output on stdout before it was ready (the first 64 KiB).
    pub output: Vec<u8>,
    /// The daemon's output on stderr before it was ready (the first 64 KiB).
    pub errors: Vec<u8>,
    /// Warnings of the daemon's [attachments](crate::attach::Prepared::warnings) about the start, one line each, not escaped. `Display`
    /// shows them, and so does [`status`](crate::Daemon::status) while the daemon runs, from the moment on at which it has reported them.
    pub warnings: Vec<String>,
}

impl Started {
    /// Describes this process, which is the daemon.
    pub(crate) fn in_this_process(pidfile: PathBuf) -> Started {
        let (stdout, stderr) = (Destination::Inherited, Destination::Inherited);
        let (output, errors) = (Vec::new(), Vec::new());
        Started { pid: Pid::this(), pidfile, stdout, stderr, output, errors, warnings: Vec::new() }
    }

    /// Prints the output of the start on stdout and stderr, and exits with status 0.
    ///
    /// The process ends by `_exit(2)`: neither `atexit(3)` handlers nor destructors run.
    pub fn report(self) -> ! {
        stdout::copy_out(&self.output, &self.errors);
        exit_now(0)
    }
}

impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Started { pid, pidfile, stdout, stderr, warnings, .. } = self;
        match pidfile.as_os_str().as_bytes() {
            [] => write!(f, "started pid {pid} (without a pidfile); ")?,
            path => write!(f, "started pid {pid} (pidfile `{}`); ", escape_bytes(path))?,
        }
        if stdout == stderr {
            write!(f, "its output goes to {stdout}")?;
        } else {
            write!(f, "its stdout goes to {stdout}, its stderr to {stderr}")?;
        }
        if *stderr == Destination::Null {
            f.write_str(", and errors that it reports to the system log")?;
        }
        warnings.iter().try_for_each(|warning| write!(f, "; warning: {}", escape(warning)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pidfile: &str, stdout: Destination, stderr: Destination) -> String {
        let pid = Pid::from_raw(4711).unwrap();
        Started { pid, stdout, stderr, ..Started::in_this_process(pidfile.into()) }.to_string()
    }

    #[test]
    fn display_ends_with_the_warnings_and_escapes_them() {
        let warnings = vec!["ends with session 4".to_owned(), "\x1b[2J".to_owned()];
        let text = Started { warnings, ..Started::in_this_process("/run/x.pid".into()) }.to_string();
        assert!(text.ends_with("launcher; warning: ends with session 4; warning: \\u{1b}[2J"), "{text}");
    }

    #[test]
    fn display_names_pid_pidfile_and_where_the_output_goes() {
        use Destination::{Descriptor, File, Null};
        let log = || File("/var/log/x\x1b.log".into());
        assert_eq!(
            text("/run/x.pid", log(), log()),
            "started pid 4711 (pidfile `/run/x.pid`); its output goes to `/var/log/x\\u{1b}.log`"
        );
        assert_eq!(
            text("", Descriptor, Null),
            "started pid 4711 (without a pidfile); its stdout goes to a descriptor of the program, its stderr to \
             `/dev/null`, and errors that it reports to the system log"
        );
        assert!(
            text("/x", Null, Null)
                .ends_with("its output goes to `/dev/null`, and errors that it reports to the system log")
        );
    }
}
