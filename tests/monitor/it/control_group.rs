//! A control group that is delegated to a monitor of a test, as systemd delegates one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use look::{Deadline, Lab, Process};

use crate::common::PIDFILE;

/// A control group, removed with all groups in it.
pub(crate) struct Group(pub(crate) PathBuf);

impl Group {
    /// Makes a group; one that is `delegated` is marked so.
    pub(crate) fn new(lab: &Lab, delegated: bool) -> Group {
        let is_mount = |mount: &&&str| Path::new(mount).join("cgroup.controllers").exists();
        let mount = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
        let mount = mount.iter().find(is_mount).expect("control groups of version 2, which this test needs");
        let name = lab.directory().file_name().unwrap().to_str().unwrap().to_owned();
        let group = Group(Path::new(mount).join(name));
        fs::create_dir(&group.0).expect("a control group: this test needs root");
        if delegated {
            let script = format!("import os; os.setxattr('{}', 'user.delegate', b'1')", group.0.display());
            lab.command("python3", &["-c", &script]).run().ok();
        }
        group
    }

    /// Starts a monitor in the group.
    pub(crate) fn start(&self, lab: &Lab) -> Process {
        lab.shell(&format!("echo $$ > {}/cgroup.procs; exec \"$D\" -c m.toml start", self.0.display())).run().ok();
        lab.daemon(PIDFILE)
    }

    /// Returns the names of the groups in it.
    pub(crate) fn children(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the group").flatten();
        let groups = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut names: Vec<String> = groups.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        let deadline = Deadline::after(Duration::from_secs(5));
        let remove = "find \"$0\" -depth -type d -exec rmdir {} +";
        while self.0.exists() && !deadline.passed() {
            let _ = std::process::Command::new("sh").args(["-c", remove]).arg(&self.0).output();
        }
    }
}

/// Returns the path of the group of a process, below the root of version 2.
pub(crate) fn group_of(process: Process) -> String {
    let text = fs::read_to_string(format!("/proc/{}/cgroup", process.id())).expect("a process");
    text.lines().find_map(|line| line.strip_prefix("0::")).expect("a group").to_owned()
}
