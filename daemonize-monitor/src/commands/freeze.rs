//! Freezes of bots.

use super::Commands;
use crate::command_queue::Command;
use crate::error::Result;

impl Commands {
    /// Freezes all processes of a bot (`cgroup.freeze` of `cgroups(7)`), until it is thawed or stopped: they use no processor time, and do
    /// not know of it. Its checks pause, and so does the time that it has to become ready.
    ///
    /// # Errors
    /// There is no such bot, it does not run, or it has no control group: the monitor's own is not delegated to it.
    pub fn freeze_bot(&self, name: &str) -> Result<()> {
        self.sender.request(Command::Freeze(name.into(), true), None).map(drop)
    }

    /// Thaws a bot that was frozen; one that was not runs on.
    ///
    /// # Errors
    /// As [`freeze_bot`](Commands::freeze_bot).
    pub fn thaw_bot(&self, name: &str) -> Result<()> {
        self.sender.request(Command::Freeze(name.into(), false), None).map(drop)
    }
}
