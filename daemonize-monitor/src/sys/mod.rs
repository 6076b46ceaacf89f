//! The system calls that std and nix lack, and the only `unsafe` of this crate.

pub(crate) mod datagram;
pub(crate) mod pidfd;
pub(crate) mod spawn;
pub(crate) mod stray;
pub(crate) mod table;
pub(crate) mod wait;

use std::io;

/// The result of a system call, or what errno says.
fn cvt(answer: libc::c_long) -> io::Result<libc::c_long> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}
