//! A running daemon's own view of its work.

use super::{ControlAnswer, ControlRequest, DaemonReport, ask};
use crate::directory::Directory;
use daemonize_core::{Daemon, Error, ErrorKind, Result};
use std::io;
use std::time::{Duration, Instant};

/// The longest wait for a report: a longer one is not told from a daemon that never answers.
const MAX_REPORT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Returns what a running daemon reports of its build, its clients and its idle time; `None` if none runs. Waits for the answer at most
/// for `timeout`. The question does not keep the daemon from its idle exit.
///
/// Beside [`Daemon::status`], which asks no process. The texts come from another process: escape them before they reach a terminal.
///
/// ```no_run
/// use daemon::Daemon;
/// use std::time::Duration;
///
/// if let Some(report) = daemon::on_demand::report(&Daemon::new("agent"), Duration::from_secs(1))? {
///     println!("{} clients, idle for {:?}", report.clients, report.idle_for);
/// }
/// # Ok::<(), daemon::Error>(())
/// ```
///
/// # Errors
/// [`NotReady`](ErrorKind::NotReady) if it does not answer in time; [`Connect`](ErrorKind::Connect) if the directory or the socket
/// belongs to another user, or the answer is not understood.
pub fn report<W>(daemon: &Daemon<W>, timeout: Duration) -> Result<Option<DaemonReport>> {
    let name = daemon.settings().name();
    let deadline = Instant::now() + timeout.min(MAX_REPORT_TIMEOUT);
    let directory = Directory::of(daemon).map_err(|error| failed(name, ErrorKind::Configuration, &error))?;
    for place in directory.all() {
        let opened = place.open().map_err(|error| failed(name, ErrorKind::Connect, &error))?;
        let Some(opened) = opened else { continue };
        match ask(&opened, place.owner(), &ControlRequest::Status, deadline) {
            Ok(ControlAnswer::Status(report)) => return Ok(Some(*report)),
            Ok(_) => return Err(failed(name, ErrorKind::Connect, &"its answer is not a status")),
            Err(error) => match error.kind() {
                // No process listens, or the daemon exits.
                io::ErrorKind::NotFound
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::BrokenPipe => {}
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                    return Err(failed(name, ErrorKind::NotReady, &error));
                }
                _ => return Err(failed(name, ErrorKind::Connect, &error)),
            },
        }
    }
    Ok(None)
}

fn failed(name: &str, kind: ErrorKind, cause: &dyn std::fmt::Display) -> Error {
    Error::new(kind, format!("failed to ask `{name}` for a report: {cause}"))
}
