//! The answers of system calls as results.

use std::io;

/// Returns the answer of a call that answers -1 and sets errno when it fails.
pub(crate) fn syscall_result(answer: libc::c_long) -> io::Result<libc::c_long> {
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}
