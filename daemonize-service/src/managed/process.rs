//! Processes: the chain of parents, the program, the working directory.

use daemonize_sys::pid::Pid;
use daemonize_sys::proc::ProcStat;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest chain of parents that is followed.
const MAX_ANCESTORS: usize = 64;

/// Returns the parent of a process; `None` if it has none in this pid namespace, or is not there.
pub(super) fn parent(pid: Pid) -> Option<Pid> {
    ProcStat::of(pid).ok().and_then(|stat| Pid::from_raw(stat.parent))
}

/// Returns this process, its parent, and so on to the one without a parent.
pub(super) fn own_ancestors() -> Vec<Pid> {
    let mut chain = vec![Pid::this()];
    while chain.len() < MAX_ANCESTORS {
        match parent(chain[chain.len() - 1]) {
            Some(pid) if !chain.contains(&pid) => chain.push(pid),
            _ => break,
        }
    }
    chain
}

/// Returns the working directory of a process, if this process may read it.
pub(super) fn working_directory(pid: Pid) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok().filter(|path| path.is_absolute())
}

/// Returns `true` if a path leads to the program that this process runs.
pub(super) fn is_own_program(path: &Path) -> bool {
    let id = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    let own = id(Path::new("/proc/self/exe"));
    own.is_some() && own == id(path)
}

/// Returns the path of this program, without the mark of a file that was replaced since.
pub(super) fn own_program() -> Option<PathBuf> {
    fs::read_link("/proc/self/exe").ok()
}

/// Returns `true` if a process runs this program: the same file, or one of the same path that has replaced the other.
pub(super) fn runs_own_program(pid: Pid) -> bool {
    let path = format!("/proc/{pid}/exe");
    if is_own_program(Path::new(&path)) {
        return true;
    }
    let (Ok(other), Some(own)) = (fs::read_link(path), own_program()) else { return false };
    let without_mark = |path: &Path| path.to_string_lossy().trim_end_matches(" (deleted)").to_owned();
    without_mark(&other) == without_mark(&own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_ancestors_begin_with_this_process_and_its_parent() {
        let chain = own_ancestors();
        assert_eq!(chain[..2], [Pid::this(), parent(Pid::this()).unwrap()]);
    }

    #[test]
    fn own_program_is_recognized_and_another_is_not() {
        assert!(runs_own_program(Pid::this()) && is_own_program(&own_program().unwrap()));
        assert!(!is_own_program(Path::new("/bin/sh")) && !is_own_program(Path::new("/no/such/file")));
    }
}
