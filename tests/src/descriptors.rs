//! The open descriptors of another process.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// One open descriptor, as shown by `/proc/PID/fd` and `/proc/PID/fdinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The target of the link, for example `/dev/null` or `socket:[4711]`.
    pub target: PathBuf,
    /// The flags of the open file description, with `O_CLOEXEC` if the descriptor has it.
    pub flags: i32,
}

impl Descriptor {
    /// Returns `true` if all of these `O_…` flags are set.
    pub fn has(&self, flags: i32) -> bool {
        self.flags & flags == flags
    }

    /// Returns `true` if the descriptor is open for writing.
    pub fn writes(&self) -> bool {
        self.flags & libc::O_ACCMODE != libc::O_RDONLY
    }

    /// Returns `true` if the descriptor refers to this file.
    pub fn is(&self, path: impl AsRef<Path>) -> bool {
        self.target == path.as_ref()
    }
}

/// Returns all descriptors of process `pid`, by number; none if the process does not exist.
pub(crate) fn of(pid: i32) -> BTreeMap<i32, Descriptor> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return BTreeMap::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|fd| Some((fd, one(pid, fd)?)))
        .collect()
}

/// Reads one descriptor; `None` if it has been closed meanwhile.
fn one(pid: i32, fd: i32) -> Option<Descriptor> {
    let target = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    Some(Descriptor { target, flags: i32::from_str_radix(flags.trim(), 8).ok()? })
}
