//! Restarts of bots, all at once or one after another.

use super::Commands;
use crate::command_queue::Command;
use crate::error::Result;
use crate::parallel::Parallel;
use crate::status::BotStatus;
use std::time::Duration;

impl Commands {
    /// Stops a bot as [`stop_bot`](Commands::stop_bot) does, and starts it again, and then those that were stopped with it; one
    /// that does not run is started. Several instances of a bot are restarted one after another, each when the one before it is
    /// ready, and leave alone what depends on them; see [`restart_bot_by`](Commands::restart_bot_by).
    ///
    /// # Errors
    /// As [`start_bot`](Commands::start_bot).
    pub fn restart_bot(&self, name: &str, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        self.restart_bot_by(name, Parallel::default(), wait)
    }

    /// Restarts a bot; of several instances, at most `parallel` at once. The first one that ends before it is ready stops that: those that
    /// were not touched yet run on. With [`Parallel::All`], all are stopped together, with what depends on them.
    ///
    /// # Errors
    /// As [`start_bot`](Commands::start_bot); or an instance has failed: then the text says which one, why, and which ones were not
    /// touched.
    pub fn restart_bot_by(&self, name: &str, parallel: Parallel, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        self.bots(Command::Restart(name.into(), parallel), wait)
    }
}
