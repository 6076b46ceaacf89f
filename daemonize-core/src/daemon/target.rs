//! The process that a verb signals: verified through a pidfd, so that no other process can be hit.
//!
//! A process is signalled only if the identity in the pidfile matches it exactly, through a descriptor of that very process
//! (`pidfd_open(2)`), and if the pidfile has not changed after the descriptor was opened.

use crate::error::{Error, ErrorKind, Result, cause};
use crate::pidfile::Probe;
use crate::process::Identity;
use crate::sys::account::describe;
use crate::sys::error::errno;
use crate::sys::pidfd::PidFd;
use nix::errno::Errno;
use nix::unistd::Uid;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Instant;

/// Opens the process that the probed pidfile names. Returns `None` if the process is gone or the pidfile has changed: the caller
/// probes again.
pub(super) fn open_verified(probe: &Probe, identity: &Identity) -> Result<Option<PidFd>> {
    let opened = identity
        .open()
        .map_err(|error| Error::failed(ErrorKind::Stop, "open a descriptor of pid", identity.pid, cause(&error)))?;
    match opened {
        Some(process) if probe.is_unchanged()? => Ok(Some(process)),
        _ => Ok(None),
    }
}

/// Waits until the process has ended. Returns `false` at the deadline.
pub(super) fn wait_for_exit(process: &PidFd, deadline: Instant) -> Result<bool> {
    process.wait(deadline).map_err(|error| Error::system("wait for the daemon's end", cause(&error)))
}

/// Describes why a process could not be signalled; names the owner of a process of another user.
pub(super) fn signal_error(verb: &str, identity: &Identity, error: &io::Error) -> Error {
    let pid = identity.pid;
    if errno(error) != Some(Errno::EPERM) {
        return Error::failed(ErrorKind::Stop, &format!("{verb} pid"), pid, cause(error));
    }
    let owner = match fs::metadata(format!("/proc/{pid}")) {
        Ok(process) => describe(Uid::from_raw(process.uid())),
        Err(_) => "another user".to_owned(),
    };
    Error::failed(ErrorKind::Permission, &format!("{verb} pid"), pid, format_args!("it belongs to {owner}"))
}
