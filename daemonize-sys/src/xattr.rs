//! Reads extended attributes of open files (`xattr(7)`), which neither std nor nix wrap.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd};

/// Returns `true` if a file has an attribute with exactly this value (`fgetxattr(2)`); on a file system without attributes it has
/// none.
pub fn has(file: impl AsFd, name: &CStr, value: &[u8]) -> bool {
    let mut found = [0_u8; 64];
    let (fd, room) = (file.as_fd().as_raw_fd(), found.len());
    // SAFETY: reads a string of ours, and writes at most as many bytes of ours as there is room for.
    let length = unsafe { libc::fgetxattr(fd, name.as_ptr(), found.as_mut_ptr().cast(), room) };
    usize::try_from(length).is_ok_and(|length| found.get(..length) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn file_without_the_attribute_has_it_not() {
        let file = File::open("/proc/self/exe").unwrap();
        assert!(!has(&file, c"user.delegate", b"1") && !has(&file, c"", b""));
    }
}
