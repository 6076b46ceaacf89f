//! Reads the state of processes from `/proc`, see `proc(5)`: parent, process group, session, start time, children.

mod environment_marks;
mod memory;
mod tree;

pub(crate) use environment_marks::{Environment, MarkReader, Marks};
pub(crate) use memory::MemoryReader;
pub(crate) use tree::{TreeFinder, TreeRoot};

use daemonize_core::Pid;
use daemonize_sys::proc::{self, ProcStat};
use nix::unistd::getsid;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

/// The state of one process, from `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) pid: Pid,
    /// Neither a zombie nor one that is just going.
    pub(crate) is_alive: bool,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// In clock ticks after boot.
    pub(crate) start_time: u64,
}

impl Facts {
    /// Returns the facts of a process; `None` when there is no such process.
    pub(crate) fn of(pid: Pid) -> Option<Facts> {
        let stat = ProcStat::of(pid).ok()?;
        let ProcStat { parent, group, session, start_time, .. } = stat;
        Some(Facts { pid, is_alive: stat.has_live_thread(), parent, group, session, start_time })
    }

    /// Returns how long ago the process was made.
    pub(crate) fn age(&self) -> Duration {
        proc::age(self.start_time)
    }
}

/// Returns the effective user of a process, dead ones included: the owner of `/proc/PID` itself, unlike that of the files in
/// it, is that user also where the process may not be dumped.
pub(crate) fn user(pid: Pid) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|directory| directory.uid())
}

/// Returns the session of a process, or zombie, as the process that leads or led it: `None` if that is of another PID namespace
/// (`setns`, `nsenter`). Opens no file descriptor.
pub(crate) fn session(pid: Pid) -> Option<Pid> {
    getsid(Some(pid.as_nix())).ok().and_then(|session| Pid::from_raw(session.as_raw()))
}

/// Returns `true` if a process, or zombie, is in the session of this process. Opens no file descriptor.
pub(crate) fn is_of_our_session(pid: Pid) -> bool {
    getsid(Some(pid.as_nix())).is_ok_and(|theirs| getsid(None) == Ok(theirs))
}

/// Returns all children of this process, including zombies. A child may be missing if another one exits meanwhile, or if no
/// file descriptor is left.
pub(crate) fn child_pids() -> Vec<Pid> {
    listed().unwrap_or_else(children_of_all)
}

/// The initial capacity in bytes for a list of children: enough for a thousand pids.
const CHILD_LIST_CAPACITY: usize = 16 * 1024;

/// Reads the kernel's lists of children (`CONFIG_PROC_CHILDREN`), one for each thread; `None` if `/proc` cannot be read.
fn listed() -> Option<Vec<Pid>> {
    let mut found = Vec::new();
    // One descriptor at a time: there may be no more.
    let threads: Vec<PathBuf> =
        fs::read_dir("/proc/self/task").ok()?.filter_map(|thread| Some(thread.ok()?.path())).collect();
    for thread in threads {
        // A thread that has ended has none.
        let mut list = String::with_capacity(CHILD_LIST_CAPACITY);
        let read = File::open(thread.join("children")).and_then(|mut file| file.read_to_string(&mut list));
        if read.is_err() {
            continue;
        }
        found.extend(list.split_ascii_whitespace().filter_map(|word| Pid::from_raw(word.parse().ok()?)));
    }
    Some(found)
}

/// Our children, out of all processes there are: slower, for kernels without lists.
fn children_of_all() -> Vec<Pid> {
    let this = Pid::this().as_raw();
    let all: Vec<Pid> = all_pids().collect();
    let ours = all.into_iter().filter_map(Facts::of).filter(|facts| facts.parent == this);
    ours.map(|facts| facts.pid).collect()
}

/// Returns all process groups that have a live process.
pub(crate) fn groups() -> HashSet<i32> {
    all_pids().filter_map(Facts::of).filter(|facts| facts.is_alive).map(|facts| facts.group).collect()
}

/// Returns the pids of all processes.
pub(crate) fn all_pids() -> impl Iterator<Item = Pid> {
    numbers("/proc")
}

/// The entries of a directory of `/proc` that are called by the number of a process or thread.
fn numbers(path: &str) -> impl Iterator<Item = Pid> + use<> {
    let entries = fs::read_dir(path).into_iter().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_as_it_is() {
        let this = Facts::of(Pid::this()).unwrap();
        assert!(this.is_alive && this.start_time > 0);
        assert!(this.session == getsid(None).unwrap().as_raw() && is_of_our_session(Pid::this()));
    }
}
