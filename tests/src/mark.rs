//! The mark of a lab: an environment variable by which all of its processes are found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::process::Process;

/// The variable that marks every process of a lab: its value is the lab's directory, which is unique.
const VARIABLE: &str = "LOOK_LAB";

/// The directory of a lab, which marks its processes.
#[derive(Debug)]
pub(crate) struct Mark(PathBuf);

impl Mark {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    /// Returns the environment of every program of this lab: a short `PATH`, `HOME` and the mark.
    pub(crate) fn environment(&self) -> BTreeMap<&'static str, PathBuf> {
        BTreeMap::from([
            ("PATH", PathBuf::from("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
            ("HOME", self.0.clone()),
            (VARIABLE, self.0.clone()),
        ])
    }

    /// Returns every live process that was started from this lab, at any depth.
    pub(crate) fn processes(&self) -> Vec<Process> {
        Process::all().filter(|process| process.alive() && self.started(*process)).collect()
    }

    /// Returns `true` if a live process was started from this lab, at any depth.
    pub(crate) fn started(&self, process: Process) -> bool {
        let mark = format!("{VARIABLE}={}", self.0.display());
        process.environment().contains(&mark)
    }
}

/// Returns the path of a file in the directory of the lab that started this process, or the name itself outside of a
/// lab.
pub fn in_lab(name: &str) -> PathBuf {
    std::env::var_os(VARIABLE).map_or_else(|| PathBuf::from(name), |directory| Path::new(&directory).join(name))
}
