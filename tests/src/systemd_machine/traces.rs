//! The traces of a machine on its host.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::process::Process;

/// The traces that a machine could leave behind.
#[derive(Clone, Debug)]
pub struct Traces {
    namespace: Option<PathBuf>,
    /// While the namespace is open, its number is not reused.
    _held: Option<Arc<File>>,
    pub(super) cgroup: String,
    directory: PathBuf,
}

impl Traces {
    /// Returns the traces of the machine with this process 1 and this guardian.
    pub(super) fn of(init: Process, guardian: i32, directory: &Path) -> Self {
        Self {
            namespace: namespace(init),
            _held: File::open(format!("/proc/{}/ns/pid", init.id())).ok().map(Arc::new),
            cgroup: format!("daemonic-test-{guardian}"),
            directory: directory.to_owned(),
        }
    }

    /// Returns the traces that exist now: processes, the cgroup, mounts.
    ///
    /// # Panics
    /// If the cgroups cannot be read.
    pub fn found(&self) -> Vec<String> {
        let processes = processes_in(self.namespace.as_ref()).into_iter().map(|process| format!("{process:?}"));
        let cgroups = cgroups().into_iter().filter(|name| *name == self.cgroup);
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("our own mounts");
        let ours = self.directory.display().to_string();
        let mounts = mounts.lines().filter(|line| line.contains(&ours)).map(str::to_owned);
        processes.chain(cgroups).chain(mounts).collect()
    }
}

/// Returns the cgroups of all machines of this host, seen through a private mount.
fn cgroups() -> Vec<String> {
    let look = "mount -t cgroup2 none /mnt && cd /mnt && for group in daemonic-test-*; do echo $group; done";
    let seen = Command::new("unshare").args(["--mount", "sh", "-c", look]).output().expect("unshare, of util-linux");
    assert!(seen.status.success(), "failed to look at the cgroups: {}", String::from_utf8_lossy(&seen.stderr));
    String::from_utf8_lossy(&seen.stdout).lines().map(str::to_owned).collect()
}

/// Returns the pid namespace of a process.
pub(super) fn namespace(process: Process) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{}/ns/pid", process.id())).ok()
}

/// Returns every process of a pid namespace.
pub(super) fn processes_in(of: Option<&PathBuf>) -> Vec<Process> {
    Process::all().filter(|process| of.is_some() && namespace(*process).as_ref() == of).collect()
}
