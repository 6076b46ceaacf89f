//! The log of a daemon: its file, its maximum size, and the timestamps of its lines.

use super::{Setting, Stdio, set_optional};
use crate::logs::{enable_bounds, enable_default_path, enable_timestamps};
use std::sync::OnceLock;

/// The least `max_size`, in bytes: below it every few lines would be a file.
const MIN_MAX_SIZE: u64 = 1024;

/// The most old files: each rotation renames all of them.
const MAX_KEEP: u32 = 999;

/// The maximum size of a bounded log unless set, in bytes: 10 MiB.
pub(crate) const DEFAULT_MAX_SIZE: u64 = 10 * 1024 * 1024;

/// The number of old files of a bounded log unless set.
pub(crate) const DEFAULT_KEEP: u32 = 1;

/// [`Log::check_values`], once one of them is set: a program without them is linked without the code.
static CHECK: OnceLock<Check> = OnceLock::new();

type Check = fn(&Log) -> Result<(), String>;

/// The log of a daemon that detaches, for [`Daemon::log`](crate::Daemon::log).
///
/// A path, or any other destination that converts into [`Stdio`], is a log too: one without a maximum size. A part that is not set
/// keeps the value that it had, so that `log("/var/log/web.log")` changes the path alone.
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::settings::Log;
///
/// let log = Log::new().path("/var/log/web.log").max_size(1 << 20).keep(3).timestamps(true);
/// Daemon::new("web").log(log).run(|| println!("hello")).start()?;
/// # Ok::<(), daemon::Error>(())
/// ```
///
/// # Rotation
/// With a [`max_size`](Log::max_size) the daemon itself renames the file to `NAME.log.1` when it exceeds that size, opens a new one, and redirects both
/// streams to it (`rename(2)`, `dup2(2)`). The streams lead to the plain file all the time, so that no line that `write(2)` has
/// accepted is lost, however the process ends. Only regular files are rotated: a FIFO or a device never is.
#[derive(Clone, Debug)]
pub struct Log {
    /// The destination; `None` for the default path.
    pub(crate) target: Option<Stdio>,
    pub(crate) max_size: Option<u64>,
    pub(crate) keep: Option<u32>,
    pub(crate) timestamps: Option<bool>,
}

impl Log {
    /// Returns a log at the default path, without a maximum size: `/var/log/NAME/NAME.log` for root, else
    /// `~/.local/state/NAME@HOST.log`.
    pub fn new() -> Log {
        enable_default_path();
        Log::unset()
    }

    /// Sets the path of the file, or another destination. `~` and `$VAR` are expanded; a relative path is made absolute at once.
    #[must_use]
    pub fn path<K>(mut self, path: impl Setting<Stdio, K>) -> Log {
        set_optional(&mut self.target, path.value());
        self
    }

    /// Sets the size in bytes that the file may reach until it is rotated: at least 1024; 0, the value unless set, means unbounded.
    ///
    /// The daemon looks at the file soon after each write, so the file may exceed the size by a few milliseconds' worth of output.
    #[must_use]
    pub fn max_size(mut self, bytes: impl Into<Option<u64>>) -> Log {
        enable_bounds();
        let _ = CHECK.set(Log::check_values);
        set_optional(&mut self.max_size, bytes);
        self
    }

    /// Sets how many old files are kept, 1 unless set, at most 999: `NAME.log.1` is the newest one. With 0 a file that exceeds its
    /// maximum size is removed.
    #[must_use]
    pub fn keep(mut self, files: impl Into<Option<u32>>) -> Log {
        let _ = CHECK.set(Log::check_values);
        set_optional(&mut self.keep, files);
        self
    }

    /// Sets that each line begins with the time in UTC (RFC 3339, milliseconds); `false` unless set.
    ///
    /// The streams then lead to a pipe, and a thread of the daemon writes the file. A process that is killed (`SIGKILL`) loses what
    /// is in the pipe: at most 64 KiB.
    #[must_use]
    pub fn timestamps(mut self, timestamps: impl Into<Option<bool>>) -> Log {
        enable_timestamps();
        set_optional(&mut self.timestamps, timestamps);
        self
    }

    /// Returns a log of which nothing is set.
    pub(crate) const fn unset() -> Log {
        Log { target: None, max_size: None, keep: None, timestamps: None }
    }

    /// Takes over each part that `other` has.
    pub(crate) fn merge(&mut self, other: Log) {
        set_optional(&mut self.target, other.target);
        set_optional(&mut self.max_size, other.max_size);
        set_optional(&mut self.keep, other.keep);
        set_optional(&mut self.timestamps, other.timestamps);
    }

    /// Returns what is wrong with the values.
    pub(crate) fn check(&self) -> Result<(), String> {
        CHECK.get().map_or(Ok(()), |check| check(self))
    }

    fn check_values(&self) -> Result<(), String> {
        match (self.max_size, self.keep) {
            (Some(size), _) if size > 0 && size < MIN_MAX_SIZE => Err(format!(
                "`max_size` of `log` is {size} bytes: set at least {MIN_MAX_SIZE}, or 0 for a log without a limit"
            )),
            (_, Some(files)) if files > MAX_KEEP => Err(format!(
                "`keep` of `log` is {files}: set at most {MAX_KEEP}, since each rotation renames all of them"
            )),
            _ => Ok(()),
        }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log::new()
    }
}

impl<S: Into<Stdio>> From<S> for Log {
    fn from(target: S) -> Log {
        Log { target: Some(target.into()), ..Log::unset() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn path(log: &Log) -> Option<&Path> {
        match &log.target {
            Some(Stdio::File(path)) => Some(path),
            _ => None,
        }
    }

    #[test]
    fn log_merges_the_parts_that_are_set() {
        let mut log = Log::new().path("/a.log").max_size(4096).keep(3).timestamps(true);
        log.merge("/b.log".into());
        log.merge(Log::new().path(None::<PathBuf>).max_size(None).keep(None).timestamps(None));
        assert_eq!(path(&log), Some(Path::new("/b.log")));
        assert_eq!((log.max_size, log.keep, log.timestamps), (Some(4096), Some(3), Some(true)));
        log.merge(Log::new().max_size(0).keep(0).timestamps(false));
        assert_eq!((log.max_size, log.keep, log.timestamps), (Some(0), Some(0), Some(false)));
        assert_eq!(path(&log), Some(Path::new("/b.log")));
    }

    #[test]
    fn log_with_absurd_values_is_refused() {
        for (log, says) in [
            (Log::new().max_size(1023), "`max_size` of `log` is 1023 bytes: set at least 1024"),
            (Log::new().keep(1000), "`keep` of `log` is 1000: set at most 999"),
        ] {
            let error = log.check().unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
        for log in [Log::new(), Log::new().max_size(0), Log::new().max_size(1024).keep(999), "/a.log".into()] {
            assert_eq!(log.check(), Ok(()));
        }
    }
}
