//! How this program was executed, and what a program that is executed inherits.

use crate::syscall::syscall_result;
use std::ffi::{CStr, OsStr};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// Returns the path that was given to `execve(2)` (`getauxval(3)`, `AT_EXECFN`): as it was called, or as it was found in `PATH`.
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

/// Lets the program inherit a descriptor, which has to be open when it is spawned: the copy in the new process is without
/// close-on-exec, so that no program that another thread starts meanwhile inherits it, too.
pub fn inherit(command: &mut Command, fd: RawFd) {
    // SAFETY: fcntl is async-signal-safe, and the closure allocates nothing: an error from errno is a plain value.
    unsafe { command.pre_exec(move || syscall_result(libc::fcntl(fd, libc::F_SETFD, 0).into()).map(drop)) };
}
