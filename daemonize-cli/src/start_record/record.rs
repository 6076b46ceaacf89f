//! The content of a record.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

/// A start of the daemon by `start`, `run` or `restart`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StartRecord {
    /// The arguments after the verb.
    pub(crate) arguments: Vec<OsString>,
    /// The working directory of the start, to which paths among the arguments may be relative.
    pub(crate) directory: Option<PathBuf>,
    /// The pidfile; `None` if it was the default one.
    pub(crate) pidfile: Option<PathBuf>,
    /// The log file.
    pub(crate) log: Option<PathBuf>,
    pub(crate) at: SystemTime,
}
