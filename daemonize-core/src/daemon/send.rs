//! `Daemon::send`: sends a signal to the running daemon.

use super::target::{open_verified, signal_error, wait_for_exit};
use super::unnamed_process::{describe_holder, explain_hook, pidfile_is_left_to_hook};
use super::{Daemon, verb_log};
use crate::api;
use crate::error::{Error, ErrorKind, Result};
use crate::pidfile::Holder;
use crate::pidfile_search::{holder, locate_path, probe};
use crate::settings::Settings;
use crate::signal::Signal;
use crate::sys::error::errno;
use nix::errno::Errno;
use std::fmt::Display;
use std::time::Instant;

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
    let pidfile = locate_path(settings)?;
    loop {
        let probe = probe(&pidfile)?;
        let identity = match holder(&pidfile, &probe)? {
            Holder::Alive(identity) => identity,
            Holder::Nothing => {
                return Err(not_sent(signal, format_args!("it is not running (no `{}`)", pidfile.display())));
            }
            Holder::Unsealed(_) if pidfile_is_left_to_hook(settings) => {
                return Err(not_sent(signal, explain_hook(&pidfile)));
            }
            other => return Err(not_sent(signal, describe_holder(&pidfile, &other))),
        };
        if let Some(process) = open_verified(&probe, &identity)? {
            // Sending a signal to a zombie succeeds (kill(2)), so a daemon that has ended is probed again.
            if wait_for_exit(&process, Instant::now())? {
                continue;
            }
            match process.send(signal) {
                Err(error) if errno(&error) == Some(Errno::ESRCH) => {}
                Err(error) => return Err(signal_error("signal", &identity, &error)),
                Ok(()) => return Ok(()),
            }
        }
    }
}

fn not_sent(signal: Signal, why: impl Display) -> Error {
    Error::failed(ErrorKind::NotRunning, "send", signal, why)
}
