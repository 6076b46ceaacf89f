//! A pidfile that the caller locked before it started the daemon.

use crate::mutex;
use crate::pidfile::PidFile;
use std::sync::{Arc, Mutex};

/// The pidfile, until the first start of any copy of the `Daemon` takes it. Dropped, it is removed.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<Mutex<Option<PidFile>>>);

impl Held {
    pub(super) fn new(pidfile: PidFile) -> Held {
        Held(Arc::new(Mutex::new(Some(pidfile))))
    }

    /// Takes the pidfile, if no start has.
    pub(super) fn take(&self) -> Option<PidFile> {
        mutex::lock(&self.0).take()
    }
}
