//! Reopens log files on SIGHUP, after logrotate or an operator has moved them away (`logrotate(8)`).

use crate::logs::{LogFiles, ManagedLog};
use crate::report;
use nix::unistd::{dup2_stderr, dup2_stdout};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The paths of the log files behind stdout and stderr.
#[derive(Debug)]
pub(super) struct LogReopener {
    pub(super) stdout: Option<PathBuf>,
    pub(super) stderr: Option<PathBuf>,
    /// The manager of one of the files, if it has one.
    pub(super) managed: Option<Arc<dyn ManagedLog>>,
}

impl LogReopener {
    /// Returns `true` if neither stream leads to a log file.
    pub(super) fn is_empty(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Opens the files again, and redirects the streams. A stream whose file cannot be opened stays unchanged. Returns a warning
    /// about such files.
    pub(super) fn run(&self) -> Option<String> {
        let mut failures = Vec::new();
        match &self.managed {
            // Not while the file is rotated: the streams could lead back to a file that was renamed.
            Some(log) => log.reopen(&mut || self.reopen_files(&mut failures)),
            None => drop(self.reopen_files(&mut failures)),
        }
        for failure in &failures {
            report::alarm(failure);
        }
        if failures.is_empty() { None } else { Some(failures.join("; ")) }
    }

    /// Opens the files, and redirects the streams to them. Returns the file that has a manager, to which streams may lead by a pipe.
    fn reopen_files(&self, failures: &mut Vec<String>) -> Option<Arc<OwnedFd>> {
        let mut logs = LogFiles::new((None, None));
        let mut reopen = |key: &str, path: &Path| match logs.open(path) {
            Ok(fd) => Some(fd),
            Err(why) => {
                failures.push(format!("failed to reopen {key} `{}`: {why}; it stays where it was", path.display()));
                None
            }
        };
        let stdout = self.stdout.as_deref().and_then(|path| reopen("stdout", path));
        let stderr = match (&self.stdout, &self.stderr) {
            // One file description for both, so that their lines stay in order.
            (Some(stdout_path), Some(stderr_path)) if stdout_path == stderr_path => stdout.clone(),
            (_, path) => path.as_deref().and_then(|path| reopen("stderr", path)),
        };
        let is_managed =
            |path: &Option<PathBuf>| self.managed.as_ref().is_some_and(|log| path.as_deref() == Some(log.path()));
        let is_redirected = self.managed.as_ref().is_some_and(|log| log.is_redirected());
        // dup2(2) replaces the descriptor atomically, so no line is lost.
        if let Some(fd) = stdout.as_ref().filter(|_| !(is_redirected && is_managed(&self.stdout))) {
            let _ = dup2_stdout(fd);
        }
        if let Some(fd) = stderr.as_ref().filter(|_| !(is_redirected && is_managed(&self.stderr))) {
            let _ = dup2_stderr(fd);
        }
        if is_managed(&self.stdout) { stdout } else { stderr.filter(|_| is_managed(&self.stderr)) }
    }
}
