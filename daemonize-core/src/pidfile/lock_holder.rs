//! The process that holds a lock, for messages: `/proc/PID/fdinfo/FD` shows each `flock(2)` to the processes that have
//! its open file description.

use crate::escape::escape;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// More than `/proc/PID/fdinfo/FD` says of a file with one lock.
const FDINFO_LIMIT: u64 = 4096;

/// Returns the process that holds the lock of the file at `path` with this inode, as "process 4711 (`name`)".
///
/// `None` if no process does, or only one that this user may not look into. A search, not a proof: the holder may have
/// changed when it returns.
pub(super) fn find(path: &Path, inode: u64) -> Option<String> {
    let own = std::process::id().to_string();
    let mut processes = fs::read_dir("/proc").ok()?;
    let holder = loop {
        let process = processes.next()?.ok()?;
        let number = process.file_name();
        let is_other = number.as_bytes().iter().all(u8::is_ascii_digit) && number != own.as_str();
        if is_other && holds(&process.path(), path, inode) {
            break process.path();
        }
    };
    let name = read(&holder.join("comm")).unwrap_or_default();
    let number = holder.file_name()?.to_string_lossy().into_owned();
    Some(format!("process {number} (`{}`)", escape(name.trim_end())))
}

fn holds(process: &Path, path: &Path, inode: u64) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    for descriptor in descriptors {
        let Ok(descriptor) = descriptor else { return false };
        // The link is read, not followed: a file on a mount that does not answer hangs nothing.
        let target = fs::read_link(descriptor.path()).unwrap_or_default();
        if target.as_os_str().as_bytes().starts_with(path.as_os_str().as_bytes()) {
            let info = read(&process.join("fdinfo").join(descriptor.file_name())).unwrap_or_default();
            if info.lines().any(|line| is_flock_of(line, inode)) {
                return true;
            }
        }
    }
    false
}

/// `lock:  1: FLOCK  ADVISORY  WRITE 4711 00:19:1234 0 EOF`, where 1234 is the inode.
fn is_flock_of(line: &str, inode: u64) -> bool {
    let mut words = line.split_ascii_whitespace();
    let is_lock = words.next() == Some("lock:") && words.any(|word| word == "FLOCK");
    is_lock && words.any(|word| word.rsplit(':').next() == Some(&inode.to_string()) && word.matches(':').count() == 2)
}

fn read(path: &Path) -> Option<String> {
    let mut text = Vec::new();
    fs::File::open(path).ok()?.take(FDINFO_LIMIT).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
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
