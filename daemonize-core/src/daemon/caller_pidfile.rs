//! A pidfile that the caller locked before it starts the daemon.

use crate::mutex;
use crate::pidfile::PidFile;
use std::sync::{Arc, Mutex};

/// The caller's pidfile, until the first start takes it; shared by all clones of the `Daemon`. Dropping the last one removes the
/// pidfile.
#[derive(Clone, Debug, Default)]
pub(super) struct CallerPidFile(Arc<Mutex<Option<PidFile>>>);

impl CallerPidFile {
    pub(super) fn new(pidfile: PidFile) -> CallerPidFile {
        CallerPidFile(Arc::new(Mutex::new(Some(pidfile))))
    }

    /// Takes the pidfile. Returns `None` if there is none, or an earlier start has taken it.
    pub(super) fn take(&self) -> Option<PidFile> {
        mutex::lock(&self.0).take()
    }
}
