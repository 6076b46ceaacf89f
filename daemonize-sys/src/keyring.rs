//! Kernel keyrings (`keyctl(2)`), which neither std nor nix wrap.

use crate::syscall::syscall_result;
use std::io;

/// Replaces the session keyring of this process by a new, empty one (`keyctl(2)`, `KEYCTL_JOIN_SESSION_KEYRING`). Returns `false` if the
/// kernel reports no new keyring.
///
/// # Errors
/// Returns `ENOSYS` without support in the kernel, `EPERM` where seccomp blocks the call, or `EDQUOT` beyond the quota.
pub fn join_new_session() -> io::Result<bool> {
    let (join, anonymous) = (libc::KEYCTL_JOIN_SESSION_KEYRING, 0_usize);
    // SAFETY: takes integers: without a name no memory of ours is read.
    Ok(syscall_result(unsafe { libc::syscall(libc::SYS_keyctl, join, anonymous) })? > 0)
}
