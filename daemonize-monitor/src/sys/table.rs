//! Numbers of descriptors.

use super::cvt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A copy of a descriptor with the lowest free number that is not below `least`; close-on-exec.
pub(crate) fn copy_from(fd: impl AsFd, least: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: takes integers and touches no memory of ours.
    let copy = cvt(unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_DUPFD_CLOEXEC, least) }.into())?;
    // SAFETY: the kernel just made this descriptor for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(RawFd::try_from(copy).map_err(io::Error::other)?) })
}

/// Gives this thread a table of its own (`close_range(2)`, `CLOSE_RANGE_UNSHARE`), in which nothing is open but the standard
/// streams and `kept`: a thread that hangs for ever keeps nothing else open then.
pub(crate) fn leave(kept: impl AsFd) -> io::Result<()> {
    let kept = kept.as_fd().as_raw_fd().unsigned_abs();
    let close = |first: u32, last: u32, flags: u32| {
        // SAFETY: what is closed is closed in the table of this thread alone, which has no use for it.
        cvt(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
    };
    close(kept + 1, u32::MAX, libc::CLOSE_RANGE_UNSHARE)?;
    if kept > 3 { close(3, kept - 1, 0) } else { Ok(()) }
}
