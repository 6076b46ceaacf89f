//! Small files that decide which service a process belongs to: read whole, never through a link, never more than is expected.

use daemonize_sys::pid::Pid;
use daemonize_sys::trust::SAFE_FLAGS;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

/// The most bytes that are read.
const MAX_SIZE: u64 = 64 * 1024;

/// Returns the content of a regular file; `None` if it cannot be read.
pub(super) fn read(path: &Path) -> Option<Vec<u8>> {
    let fd = openat(AT_FDCWD, path, OFlag::O_RDONLY | SAFE_FLAGS, Mode::empty()).ok()?;
    let (file, mut text) = (File::from(fd), Vec::new());
    file.metadata().ok().filter(Metadata::is_file)?;
    file.take(MAX_SIZE).read_to_end(&mut text).ok()?;
    Some(text)
}

/// Returns the pid in the first line of a file.
pub(super) fn read_pid(path: &Path) -> Option<Pid> {
    let text = read(path)?;
    let line = text.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.trim().parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn small_file_is_regular_and_no_link() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("pid"), "4711\nrest\n").unwrap();
        std::os::unix::fs::symlink(path("pid"), path("link")).unwrap();
        nix::unistd::mkfifo(&path("fifo"), Mode::S_IRWXU).unwrap();
        assert_eq!((read_pid(&path("pid")), read_pid(&path("link"))), (Pid::from_raw(4711), None));
        assert!(read(&path("fifo")).is_none() && read(directory.path()).is_none());
        fs::write(path("pid"), "-1\n").unwrap();
        assert_eq!(read_pid(&path("pid")), None);
    }
}
