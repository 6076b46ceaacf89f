//! `Daemon::send`: sends a signal to the running daemon.

use super::running::{Found, find_running};
use super::target::signal_error;
use super::{Daemon, verb_log};
use crate::api;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use crate::signal::Signal;
use crate::sys::error::errno;
use nix::errno::Errno;
use std::fmt::Display;

impl<W> Daemon<W> {
    /// Sends the daemon a signal: a [`Signal`], a number, or a name with or without `SIG`.
    ///
    /// ```no_run
    /// use daemon::{Daemon, Signal};
    ///
    /// let sleepy = Daemon::new("sleepy");
    /// sleepy.send("HUP")?;
    /// sleepy.send(Signal::SIGHUP)?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    ///
    /// # Errors
    /// The signal does not exist, the daemon does not run, or it belongs to another user.
    pub fn send(&self, signal: impl TryInto<Signal, Error: Display>) -> Result<()> {
        let unknown = |error| Error::new(ErrorKind::Configuration, format!("failed to send a signal: {error}"));
        let signal = signal.try_into().map_err(unknown)?;
        let sent = if self.is_inside() { api::raise_signal(signal) } else { send_from_outside(&self.settings, signal) };
        verb_log::send(&self.settings.name, signal, sent)
    }
}

fn send_from_outside(settings: &Settings, signal: Signal) -> Result<()> {
    if !signal.exists() {
        return Err(Error::failed(ErrorKind::Configuration, "send", signal, "there is no such signal"));
    }
    loop {
        let daemon = match find_running(settings)? {
            Found::Running(daemon) => daemon,
            Found::NotRunning(why) => return Err(Error::failed(ErrorKind::NotRunning, "send", signal, why)),
        };
        match daemon.process.send(signal) {
            Err(error) if errno(&error) == Some(Errno::ESRCH) => {}
            Err(error) => return Err(signal_error("signal", &daemon.identity, &error)),
            Ok(()) => return Ok(()),
        }
    }
}
