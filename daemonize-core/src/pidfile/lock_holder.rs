//! Finds the process that holds a lock, for error messages: `/proc/PID/fdinfo/FD` shows each `flock(2)` of the open file
//! description.

use crate::escape::escape_bytes;
use crate::pid::Pid;
use crate::sys::proc::{numbers_in, read_small};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Returns the process that holds the lock of the file at `path` with this inode, as "process 4711 (`name`)".
///
/// Returns `None` if no process holds the lock, or if this user may not read its `/proc` entries. The holder may have changed
/// when this returns.
pub(super) fn find(path: &Path, inode: u64) -> Option<String> {
    let own = Pid::this().as_raw();
    let mut processes = numbers_in("/proc").ok()?.into_iter();
    let holder = processes.find(|process| *process != own && holds(*process, path, inode))?;
    let name = read_small(&format!("/proc/{holder}/comm"), |name| escape_bytes(name.trim_ascii_end()).into_owned());
    Some(format!("process {holder} (`{}`)", name.unwrap_or_default()))
}

fn holds(process: i32, path: &Path, inode: u64) -> bool {
    let descriptors = numbers_in(&format!("/proc/{process}/fd")).unwrap_or_default();
    descriptors.into_iter().any(|descriptor| {
        // The link is read, not followed: following it to a file on a hung mount would block.
        let trusted = fs::read_link(format!("/proc/{process}/fd/{descriptor}")).unwrap_or_default();
        let info = format!("/proc/{process}/fdinfo/{descriptor}");
        trusted.as_os_str().as_bytes().starts_with(path.as_os_str().as_bytes())
            && read_small(&info, |info| has_flock_of(info, inode)).unwrap_or_default()
    })
}

fn has_flock_of(info: &[u8], inode: u64) -> bool {
    String::from_utf8_lossy(info).lines().any(|line| is_flock_of(line, inode))
}

/// Returns `true` for a line such as `lock:  1: FLOCK  ADVISORY  WRITE 4711 00:19:1234 0 EOF`, where 1234 is the inode.
fn is_flock_of(line: &str, inode: u64) -> bool {
    let mut words = line.split_ascii_whitespace();
    let is_lock = words.next() == Some("lock:") && words.any(|word| word == "FLOCK");
    is_lock && words.any(|word| word.rsplit(':').next() == Some(&inode.to_string()) && word.matches(':').count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_line_of_another_kind_or_inode_is_not_matched() {
        assert!(is_flock_of("lock:\t1: FLOCK  ADVISORY  WRITE 4711 00:19:1234 0 EOF", 1234));
        assert!(!is_flock_of("lock:\t1: FLOCK  ADVISORY  WRITE 4711 00:19:12345 0 EOF", 1234));
        assert!(!is_flock_of("lock:\t1: POSIX  ADVISORY  WRITE 4711 00:19:1234 0 EOF", 1234));
        assert!(!is_flock_of("ino:\t1234", 1234));
    }
}
