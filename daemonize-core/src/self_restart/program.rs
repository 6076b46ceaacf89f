//! How the program of this process was started, so that it can be started in the same way once more.

use crate::sys::exec;
use crate::sys::trust::directory::{DirectoryPolicy, open_directory};
use nix::unistd::getcwd;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program of this process.
#[derive(Debug)]
pub(crate) struct Program {
    /// The working directory in which it was started.
    directory: Option<PathBuf>,
    call: OnceLock<Call>,
}

/// How a program was called.
#[derive(Debug)]
struct Call {
    /// Absolute, but not resolved: a link that is set to a new release is followed.
    path: Option<PathBuf>,
    /// `argv[0]`.
    name: Option<OsString>,
    /// The working directory.
    directory: Option<PathBuf>,
}

impl Program {
    /// To be made before the working directory is changed.
    pub(crate) fn new() -> Program {
        Program { directory: getcwd().ok(), call: OnceLock::new() }
    }

    /// Finds out how this process was started, once; to be called before code of the user may change what is looked at.
    pub(crate) fn look(&self) {
        self.call();
    }

    fn call(&self) -> &Call {
        self.call.get_or_init(|| {
            let directory = self.directory.clone().map(as_it_was_entered);
            let path = called_path(directory.as_deref()).or_else(resolved_path);
            Call { path, name: env::args_os().next(), directory }
        })
    }

    /// The path of the program and the command that starts it as this process was started. An error says why there is none.
    pub(super) fn command(&self) -> Result<(PathBuf, Command), &'static str> {
        let call = self.call();
        let path = call.path.clone().ok_or("the path of its program is not known")?;
        let mut command = Command::new(&path);
        if let Some(name) = &call.name {
            command.arg0(name);
        }
        // A release that is gone takes the directory along in which it was started.
        let directory = call.directory.as_deref().filter(|directory| directory.is_dir());
        command.args(env::args_os().skip(1)).current_dir(directory.unwrap_or(Path::new("/")));
        Ok((path, command))
    }
}

/// The working directory by the name that the shell has for it, which may lead through links.
fn as_it_was_entered(directory: PathBuf) -> PathBuf {
    let Some(entered) = env::var_os("PWD").map(PathBuf::from) else { return directory };
    if entered == directory || !entered.is_absolute() {
        return directory;
    }
    // The environment must not decide which program root starts later: no link in the path may be another user's.
    let here = fs::metadata(&directory).map(|status| (status.dev(), status.ino()));
    let there = open_directory(&entered, DirectoryPolicy::PidFile).ok();
    let there = there.and_then(|directory| File::from(directory.fd).metadata().ok());
    let is_same = there.is_some_and(|there| here.is_ok_and(|here| here == (there.dev(), there.ino())));
    if is_same { entered } else { directory }
}

/// The path that was given to `execve(2)`, if it still leads to this program.
fn called_path(directory: Option<&Path>) -> Option<PathBuf> {
    let called = exec::called_path()?;
    let path = if called.is_absolute() { called } else { directory?.join(called) };
    let identity = |path: &Path| fs::metadata(path).map(|status| (status.dev(), status.ino())).ok();
    let is_this_program = identity(&path).is_some_and(|file| Some(file) == identity(Path::new("/proc/self/exe")));
    is_this_program.then_some(path)
}

/// The path of the file that this process runs; where an upgrade has replaced the file, the new one has it.
fn resolved_path() -> Option<PathBuf> {
    let path = env::current_exe().ok()?;
    let text = path.to_string_lossy();
    Some(text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_found_where_it_was_called() {
        let called = called_path(env::current_dir().ok().as_deref()).unwrap();
        assert!(called.is_absolute());
        assert_eq!(called.canonicalize().unwrap(), env::current_exe().unwrap());
    }

    #[test]
    fn a_relative_path_that_leads_to_no_program_is_not_taken() {
        assert_eq!(called_path(Some(Path::new("/nonexistent"))).is_some(), exec::called_path().unwrap().is_absolute());
    }

    #[test]
    fn directory_that_is_gone_is_replaced_by_the_root() {
        let program = Program { directory: Some("/nonexistent".into()), call: OnceLock::new() };
        assert_eq!(program.command().unwrap().1.get_current_dir(), Some(Path::new("/")));
    }
}
