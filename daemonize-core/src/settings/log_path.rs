//! The destination of the log, and the bounds of its file.

use super::log::{DEFAULT_KEEP, DEFAULT_MAX_SIZE};
use super::{Log, Settings, Stdio};
use crate::error::{Error, Result};
use crate::logs::{Bounds, default_path};
use crate::sys::device::Device;
use std::path::PathBuf;

/// The log of a daemon without one.
static UNSET: Log = Log::unset();

impl Settings {
    /// Returns the destination of the log; `None` before [`resolve_log`](Settings::resolve_log) for the default path.
    pub(crate) fn log_target(&self) -> Option<&Stdio> {
        self.log.as_ref().and_then(|log| log.target.as_ref())
    }

    /// Sets the path of a log that has none to the default one. Returns that path.
    ///
    /// # Errors
    /// There is no default path, since this process's user has no home directory.
    pub(crate) fn resolve_log(&mut self) -> Result<Option<PathBuf>> {
        let path = self.default_log_path()?;
        if let Some(path) = &path {
            let log = self.log.get_or_insert(Log::unset());
            log.target = Some(Stdio::File(path.clone()));
        }
        Ok(path)
    }

    /// Returns the default path if the daemon has a log that was given no path, and a stream that leads to it.
    fn default_log_path(&self) -> Result<Option<PathBuf>> {
        let is_used = self.stdout.is_none() || self.stderr.is_none();
        let has_log = self.default_log || self.log.is_some();
        if !is_used || !has_log || self.log_target().is_some() {
            return Ok(None);
        }
        default_path(&self.name).map_err(Error::configuration)
    }

    /// Returns the path of the file that a daemon which detaches writes its output to: that of stderr, or else that of stdout.
    pub(crate) fn log_path(&self) -> Option<PathBuf> {
        let file = |stream: &Option<Stdio>| match stream.as_ref().or(self.log_target()) {
            Some(Stdio::File(path)) if Device::of(path).is_none() => Some(path.clone()),
            Some(_) => None,
            None => self.default_log_path().ok().flatten(),
        };
        file(&self.stderr).or_else(|| file(&self.stdout))
    }

    /// Returns the bounds of the log, which may be at its default path; `None` if its size has no limit.
    pub(crate) fn log_bounds(&self, is_default_path: bool) -> Option<Bounds> {
        let log = self.log.as_ref().unwrap_or(&UNSET);
        let default_size = if self.default_log { DEFAULT_MAX_SIZE } else { 0 };
        let max_size = log.max_size.unwrap_or(default_size);
        let (keep, is_explicit) = (log.keep.unwrap_or(DEFAULT_KEEP), is_default_path || log.max_size.is_some());
        (max_size > 0).then_some(Bounds { max_size, keep, is_explicit })
    }

    /// Returns `true` if each line of the log begins with the time.
    pub(crate) fn log_timestamps(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.timestamps == Some(true))
    }
}
