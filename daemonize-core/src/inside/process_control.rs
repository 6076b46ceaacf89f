//! The control over this process that a [`Handle`](crate::attach::Handle) gives.

use crate::attach::ProcessControl;
use crate::inside;

/// Stops, restarts and reloads this daemon.
pub(crate) struct ThisDaemon;

impl ProcessControl for ThisDaemon {
    fn stop(&self) {
        inside::stop();
    }

    fn is_stopping(&self) -> bool {
        crate::stopping::is_told()
    }

    fn restart(&self) -> std::result::Result<(), Box<dyn std::error::Error>> {
        Ok(inside::restart()?)
    }

    fn reload(&self) -> std::result::Result<(), Box<dyn std::error::Error>> {
        Ok(inside::reload()?)
    }
}
