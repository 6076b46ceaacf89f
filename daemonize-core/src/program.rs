//! Finds out how the program of this process was started, so that a restart starts it in the same way.

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
    /// The working directory at the start.
    directory: Option<PathBuf>,
    invocation: OnceLock<Invocation>,
}

/// The path, name and directory with which a program was started.
#[derive(Debug)]
struct Invocation {
    /// Absolute, but symbolic links are not resolved: a link to a new release is followed.
    path: Option<PathBuf>,
    /// `argv[0]`.
    name: Option<OsString>,
    directory: Option<PathBuf>,
}

impl Program {
    /// To be called before the working directory changes.
    pub(crate) fn new() -> Program {
        Program { directory: getcwd().ok(), invocation: OnceLock::new() }
    }

    /// Finds out how this process was started, once. To be called before the user's code, which may change the environment.
    pub(crate) fn resolve(&self) {
        self.invocation();
    }

    fn invocation(&self) -> &Invocation {
        self.invocation.get_or_init(|| {
            let directory = self.directory.clone().map(directory_of_shell);
            let path = called_path(directory.as_deref()).or_else(executable_path);
            Invocation { path, name: env::args_os().next(), directory }
        })
    }

    /// Returns the path of the program, and the command that starts it as this process was started. An error says why there is
    /// none.
    pub(crate) fn command(&self) -> Result<(PathBuf, Command), &'static str> {
        let invocation = self.invocation();
        let path = invocation.path.clone().ok_or("the path of its program is not known")?;
        let mut command = Command::new(&path);
        if let Some(name) = &invocation.name {
            command.arg0(name);
        }
        // The directory may have been removed together with an old release.
        let directory = invocation.directory.as_deref().filter(|directory| directory.is_dir());
        command.args(env::args_os().skip(1)).current_dir(directory.unwrap_or(Path::new("/")));
        Ok((path, command))
    }
}

/// Returns the working directory by the name that the shell has for it (`PWD`), which may contain symbolic links.
fn directory_of_shell(directory: PathBuf) -> PathBuf {
    let Some(entered) = env::var_os("PWD").map(PathBuf::from) else { return directory };
    if entered == directory || !entered.is_absolute() {
        return directory;
    }
    // The environment must not decide which program root starts later: no symbolic link in the path may belong to another
    // user.
    let here = fs::metadata(&directory).map(|status| (status.dev(), status.ino()));
    let there = open_directory(&entered, DirectoryPolicy::PidFile).ok();
    let there = there.and_then(|directory| File::from(directory.fd).metadata().ok());
    let is_same = there.is_some_and(|there| here.is_ok_and(|here| here == (there.dev(), there.ino())));
    if is_same { entered } else { directory }
}

/// Returns the path that was passed to `execve(2)`, if it still leads to this program.
fn called_path(directory: Option<&Path>) -> Option<PathBuf> {
    let called = exec::called_path()?;
    let path = if called.is_absolute() { called } else { directory?.join(called) };
    let identity = |path: &Path| fs::metadata(path).map(|status| (status.dev(), status.ino())).ok();
    let is_this_program = identity(&path).is_some_and(|file| Some(file) == identity(Path::new("/proc/self/exe")));
    is_this_program.then_some(path)
}

/// Returns the path of the file that this process executes. If an upgrade has replaced the file, the new one has this path.
fn executable_path() -> Option<PathBuf> {
    let path = env::current_exe().ok()?;
    let text = path.to_string_lossy();
    Some(text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn called_path_of_this_program_leads_to_its_executable() {
        let called = called_path(env::current_dir().ok().as_deref()).unwrap();
        assert!(called.is_absolute());
        assert_eq!(called.canonicalize().unwrap(), env::current_exe().unwrap());
    }

    #[test]
    fn called_path_relative_to_missing_directory_is_none() {
        assert_eq!(called_path(Some(Path::new("/nonexistent"))).is_some(), exec::called_path().unwrap().is_absolute());
    }

    #[test]
    fn missing_working_directory_is_replaced_by_the_root() {
        let program = Program { directory: Some("/nonexistent".into()), invocation: OnceLock::new() };
        assert_eq!(program.command().unwrap().1.get_current_dir(), Some(Path::new("/")));
    }
}
