//! The files of control groups, opened relative to their directory.

use daemonize_sys::proc;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::write;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

/// How the directory of a group is opened.
pub(super) const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC).union(OFlag::O_NOFOLLOW);

/// Returns the path of the group of a process, in version 2 (`/proc/PID/cgroup`); `None` without one.
pub(crate) fn path_of(process: &str) -> Option<String> {
    let path = |text: &[u8]| {
        let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"0::"))?;
        Some(std::str::from_utf8(line).ok()?.to_owned())
    };
    proc::read_small(&format!("/proc/{process}/cgroup"), path).ok().flatten().filter(|path| path.starts_with('/'))
}

/// Makes a group, unless it is there, and opens it.
pub(super) fn make(parent: impl AsFd, name: &str) -> nix::Result<OwnedFd> {
    match mkdirat(&parent, name, Mode::from_bits_truncate(0o755)) {
        Ok(()) | Err(Errno::EEXIST) => openat(&parent, name, DIRECTORY, Mode::empty()),
        Err(errno) => Err(errno),
    }
}

/// Writes to a file of a group.
pub(super) fn put(group: impl AsFd, file: &str, text: &str) -> nix::Result<()> {
    let file = openat(group, file, OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())?;
    write(&file, text.as_bytes()).map(drop)
}

/// Reads a file of a group.
pub(super) fn read(group: impl AsFd, file: &str) -> io::Result<String> {
    let file = openat(group, file, OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())?;
    let mut text = String::new();
    File::from(file).read_to_string(&mut text)?;
    Ok(text)
}

pub(super) fn is_populated(group: impl AsFd) -> bool {
    has_event(group, "populated 1")
}

/// Returns `true` if a group has this line in its `cgroup.events`.
pub(super) fn has_event(group: impl AsFd, event: &str) -> bool {
    read(group, "cgroup.events").is_ok_and(|text| text.lines().any(|line| line == event))
}
