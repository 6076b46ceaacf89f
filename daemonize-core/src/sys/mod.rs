//! The only room with `unsafe`: system calls that neither std nor nix wrap, each behind a safe function.

pub(crate) mod action;
pub(crate) mod capabilities;
pub(crate) mod dispositions;
pub(crate) mod env;
pub(crate) mod exec;
pub(crate) mod fds;
pub(crate) mod fork;
pub(crate) mod handler;
pub(crate) mod keyring;
pub(crate) mod mask;
pub(crate) mod pidfd;
pub(crate) mod siginfo;
pub(crate) mod signalfd;
pub(crate) mod wait;

use std::io;

/// The result of a call that answers -1 and sets errno.
fn cvt(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
