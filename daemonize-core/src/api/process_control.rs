//! The control over this daemon that a `Handle` gives to its attachments.

use super::{reload::reload, stop::stop};
use crate::attach::ProcessControl;
use crate::self_restart::restart;
use crate::stop_flag::is_stop_pending;
use std::error::Error;

/// Stops, restarts and reloads this daemon.
pub(crate) struct ThisDaemon;

impl ProcessControl for ThisDaemon {
    fn stop(&self) {
        stop();
    }

    fn is_stopping(&self) -> bool {
        is_stop_pending()
    }

    fn restart(&self) -> Result<(), Box<dyn Error>> {
        Ok(restart()?)
    }

    fn reload(&self) -> Result<(), Box<dyn Error>> {
        Ok(reload()?)
    }
}
