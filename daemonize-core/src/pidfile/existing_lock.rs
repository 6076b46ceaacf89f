//! A pidfile that a program locked for itself, and then gives to a daemon that it starts.

use super::errors::find_living;
use super::trusted_path::distrusted;
use super::{PidFile, already_running};
use crate::error::Result;
use crate::pid::Pid;

impl PidFile {
    /// Empties the file that this process has locked, whatever it has written there, for a daemon that is to be started.
    pub(crate) fn empty_again(mut self, mode: u32) -> Result<PidFile> {
        if !self.is_held() {
            return Err(distrusted(self.path(), "its lock file was moved or replaced after it was locked"));
        }
        match self.owner {
            Some(owner) if owner == Pid::this() => {}
            Some(owner) => return Err(already_running(self.path(), owner)),
            None => return Err(distrusted(self.path(), "it was given to another process")),
        }
        let stale = self.target.read()?;
        find_living(self.path(), stale.as_ref(), "replacing")?;
        self.target.create_empty(stale.as_ref(), mode)?;
        (self.sealed, self.mode) = (None, mode);
        Ok(self)
    }
}
