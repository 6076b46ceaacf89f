//! The daemon's link to the two processes that watch its start: the launcher and the session leader.

use crate::error::{Error, ErrorKind, Result, cause};
use crate::ipc::{Channel, Message};
use crate::logs::{self, exit_now};
use crate::pid::Pid;
use crate::pidfile::Record;
use crate::process::Identity;
use crate::signal::Signal;
use nix::sys::prctl::set_pdeathsig;
use std::path::Path;

/// The connection to the launcher, and the session leader's pid.
pub(super) struct LauncherLink {
    pub(super) ready: Channel,
    pub(super) session_leader: Pid,
}

impl LauncherLink {
    /// L3: makes the kernel kill this process when the session leader dies (`PR_SET_PDEATHSIG`, see `prctl(2)`), so that a stage
    /// that hangs does not outlive it.
    pub(super) fn die_with_session_leader(&self) {
        let _ = set_pdeathsig(nix::sys::signal::SIGKILL);
        // The session leader may have died before the call.
        if nix::unistd::getppid() != self.session_leader.as_nix() {
            exit_now(2);
        }
    }

    /// Clears the parent-death signal. From here on end of file on `ready` aborts the start.
    ///
    /// The signal is an attribute of the calling thread, which is the body's.
    pub(super) fn outlive_session_leader() -> Result<()> {
        set_pdeathsig(None).map_err(|errno| Error::system("outlive the launch", cause(&errno.into())))
    }

    /// L5: sends the daemon's addresses, which the launcher writes into the pidfile. Before the change of user: afterwards the
    /// launcher must not write what this process sends.
    pub(super) fn send_addresses(&self, addresses: &[String], pidfile: &Path) -> Result<()> {
        // The launcher checks what it receives. Checked here as well, because a line feed in an address would become two addresses.
        Record::check_addresses(addresses)
            .map_err(|why| Error::failed(ErrorKind::PidFile, "write pidfile", pidfile.display(), why))?;
        let sent = self.ready.send(&Message::Addresses(addresses.to_vec()));
        sent.map_err(|error| Error::system("send the addresses to the launcher", cause(&error)))
    }

    /// L5: sends the warnings of the attachments about the start, before the addresses.
    pub(super) fn send_warnings(&self, warnings: Vec<String>) -> Result<()> {
        let sent = self.ready.send(&Message::Warnings(warnings));
        sent.map_err(|error| Error::system("send the warnings to the launcher", cause(&error)))
    }

    /// L5: waits until the launcher has written the pidfile. Returns the identity of this process, and the signals that were
    /// ignored when the session leader was forked.
    ///
    /// # Errors
    /// The launcher is dead, or could not write the pidfile.
    pub(super) fn wait_for_pidfile(&self) -> Result<(Identity, Vec<Signal>)> {
        match self.ready.receive_short() {
            Ok(Some(Message::Written(identity, ignored))) => Ok((identity, ignored)),
            _ => Err(Error::system("wait for the pidfile", "the launcher has exited, or could not write it")),
        }
    }

    /// L4: sends FAILED with the reason, and exits. The launcher removes the pidfile.
    pub(super) fn fail(&self, error: &Error) -> ! {
        // Before the launcher knows, which then kills the processes of this start.
        logs::complete();
        let _ = self.ready.send(&Message::Failed(error.copy()));
        exit_now(error.exit_code());
    }
}
