//! Results of system calls.

use std::io;

/// Returns the value of a system call, or `errno` as an error if the value is -1.
pub(crate) fn syscall_result(value: libc::c_long) -> io::Result<libc::c_long> {
    if value == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
}
