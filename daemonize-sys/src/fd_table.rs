//! Copies file descriptors to other numbers, and gives a thread its own table of file descriptors.

use crate::syscall::syscall_result;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Returns a copy with the lowest free number from `min` on, close-on-exec (`fcntl(2)`, `F_DUPFD_CLOEXEC`).
pub fn copy_from(fd: impl AsFd, min: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: takes integers and touches no memory of ours.
    let copy = syscall_result(unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_DUPFD_CLOEXEC, min) }.into())?;
    // SAFETY: the kernel just made this descriptor for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(RawFd::try_from(copy).map_err(io::Error::other)?) })
}

/// Returns `false` if `close_range(2)` is missing (before Linux 5.9) or blocked by seccomp.
pub fn has_close_range() -> bool {
    let (none, flags) = (u32::MAX, 0);
    // SAFETY: no descriptor has this number, so nothing is closed.
    unsafe { libc::syscall(libc::SYS_close_range, none, none, flags) == 0 }
}

/// Gives this thread its own table, in which only the standard streams and `kept` are open (`close_range(2)`, `CLOSE_RANGE_UNSHARE`). A
/// thread that hangs forever then keeps no other file open.
pub fn leave(kept: impl AsFd) -> io::Result<()> {
    let kept = kept.as_fd().as_raw_fd();
    if !has_close_range() {
        // SAFETY: takes an integer; the table that this thread gets is a copy.
        syscall_result(unsafe { libc::unshare(libc::CLONE_FILES) }.into())?;
        return syscall_result(close_all(|fd| fd > 2 && fd != kept)).map(drop);
    }
    let kept = kept.unsigned_abs();
    let close = |first: u32, last: u32, flags: u32| {
        // SAFETY: what is closed is closed in the table of this thread alone, which has no use for it.
        syscall_result(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
    };
    close(kept + 1, u32::MAX, libc::CLOSE_RANGE_UNSHARE)?;
    if kept > 3 { close(3, kept - 1, 0) } else { Ok(()) }
}

/// Closes every file descriptor of this table for which `is_alien` returns `true`, by listing `/proc/self/fd` (`getdents(2)`). Returns -1,
/// with `errno` set, if the list cannot be read. Does not allocate or panic, so that children can call it before `execve(2)`.
pub(super) fn close_all(is_alien: impl Fn(RawFd) -> bool) -> libc::c_long {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: reads a string of ours.
    let list = unsafe { libc::open(c"/proc/self/fd".as_ptr(), flags) };
    if list < 0 {
        return -1;
    }
    let mut entries = Entries([0; BUFFER_SIZE]);
    let answer = loop {
        // SAFETY: writes at most as many bytes as there are, which are aligned as the entries are.
        let length = unsafe { libc::syscall(libc::SYS_getdents64, list, entries.0.as_mut_ptr(), BUFFER_SIZE) };
        let Some(mut rest) = usize::try_from(length).ok().and_then(|length| entries.0.get(..length)) else { break -1 };
        if rest.is_empty() {
            break 0;
        }
        // The offset in this directory is the number, so closing entries does not disturb the listing.
        while let Some((fd, next)) = entry(rest) {
            if fd.is_some_and(|fd| fd != list && is_alien(fd)) {
                // SAFETY: what is closed is nothing to this process or thread, whose table is its own.
                unsafe { libc::close(fd.unwrap_or(-1)) };
            }
            rest = next;
        }
    };
    // SAFETY: it was opened here.
    unsafe { libc::close(list) };
    answer
}

/// The size of the buffer for getdents(2), in bytes.
const BUFFER_SIZE: usize = 2048;

/// A buffer, aligned for `linux_dirent64`.
#[repr(align(8))]
struct Entries([u8; BUFFER_SIZE]);

/// Returns the first entry (`getdents(2)`), as a number if its name is one, and the remaining entries.
fn entry(entries: &[u8]) -> Option<(Option<RawFd>, &[u8])> {
    /// The size of inode, offset, length and type, which precede the name.
    const HEAD: usize = 19;
    let length = usize::from(u16::from_ne_bytes([*entries.get(16)?, *entries.get(17)?]));
    let name = entries.get(HEAD..length)?;
    let digits = name.split(|byte| *byte == 0).next()?;
    let number = |number: RawFd, digit: &u8| {
        let digit = digit.is_ascii_digit().then(|| RawFd::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    let fd = digits.iter().try_fold(0, number).filter(|_| !digits.is_empty());
    Some((fd, entries.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries as the kernel writes them.
    fn list(names: &[&str]) -> Vec<u8> {
        let mut all = Vec::new();
        for name in names {
            let length = (19 + name.len() + 1).next_multiple_of(8);
            let mut one = vec![0; 16];
            one.extend(u16::try_from(length).unwrap().to_ne_bytes());
            one.push(10);
            one.extend(name.as_bytes());
            one.resize(length, 0);
            all.extend(one);
        }
        all
    }

    #[test]
    fn descriptors_are_read_from_a_list() {
        let all = list(&[".", "..", "0", "17", "1048575", "99999999999", "3x"]);
        let (mut rest, mut found) = (&all[..], Vec::new());
        while let Some((fd, next)) = entry(rest) {
            found.push(fd);
            rest = next;
        }
        assert_eq!(found, [None, None, Some(0), Some(17), Some(1_048_575), None, None]);
        assert!(rest.is_empty());
        // Nothing that is cut off is read, and nothing is read for ever.
        assert!((0..24).all(|length| entry(&all[..length]).is_none()));
        assert!(entry(&[0; 64]).is_none());
    }
}
