//! The path by which this program was executed, and file descriptors that a spawned program inherits.

use crate::syscall::syscall_result;
use std::ffi::{CStr, OsStr};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// Returns the path that was passed to `execve(2)` (`getauxval(3)`, `AT_EXECFN`).
pub fn called_path() -> Option<PathBuf> {
    // SAFETY: has no preconditions; an unknown entry answers 0.
    let address = unsafe { libc::getauxval(libc::AT_EXECFN) };
    if address == 0 {
        return None;
    }
    // SAFETY: the kernel has put this string above the stack of the first thread, where it stays as long as the process.
    let path = unsafe { CStr::from_ptr(std::ptr::with_exposed_provenance(usize::try_from(address).ok()?)) };
    Some(OsStr::from_bytes(path.to_bytes()).into())
}

/// Returns `true` if the kernel gave this process more rights than its caller has: the program is setuid, setgid or has file
/// capabilities (`getauxval(3)`, `AT_SECURE`).
pub fn is_secure() -> bool {
    // SAFETY: has no preconditions; an unknown entry answers 0.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Lets the program inherit a file descriptor, which must be open when the program is spawned (`fcntl(2)`, `F_SETFD`). Close-on-exec is
/// cleared only in the child, so that programs that other threads spawn do not inherit the file descriptor.
pub fn inherit(command: &mut Command, fd: RawFd) {
    // SAFETY: fcntl is async-signal-safe, and the closure allocates nothing: an error from errno is a plain value.
    unsafe { command.pre_exec(move || syscall_result(libc::fcntl(fd, libc::F_SETFD, 0).into()).map(drop)) };
}
