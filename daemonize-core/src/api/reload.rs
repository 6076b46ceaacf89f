//! Reload on request of the program, and signals that it sends to itself.

use crate::context::current;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::signal::Signal;
use crate::sys::siginfo::Purpose;
use crate::sys::signal_flag;

/// Requests that this daemon reloads, as SIGHUP does: log files are reopened, and the handlers of SIGHUP run. Returns at once.
///
/// # Errors
/// This process is not a daemon, SIGHUP would stop it (it runs at a terminal), or it does not handle SIGHUP.
pub fn reload() -> Result<()> {
    let refused = |why: &str| Error::new(ErrorKind::Unsupported, format!("failed to reload: {why}"));
    let context = current().ok_or_else(|| refused("this process is no daemon"))?;
    match Signal::SIGHUP {
        signal if context.stops.contains(&signal) => Err(refused("SIGHUP would stop it, since it runs at a terminal")),
        signal if !context.signals.handles(signal) => Err(refused("it does not handle SIGHUP")),
        signal => {
            let sent = context.signals.send(signal, Purpose::Unmarked);
            sent.map_err(|error| Error::failed(ErrorKind::Stop, "send", signal, cause(&error)))
        }
    }
}

/// Sends this process a signal (`raise(3)`).
pub(crate) fn raise_signal(signal: Signal) -> Result<()> {
    signal_flag::raise(signal).map_err(|error| Error::failed(ErrorKind::Stop, "send", signal, cause(&error)))
}
