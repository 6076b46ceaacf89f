//! The check that the monitor would start again, made before a restart of the monitor stops all bots.

use crate::commands::Commands;
use daemonize_core::{Attachment, Handle};
use std::error::Error;

/// Refuses a restart of the monitor, with the reason.
pub(crate) type RestartCheck = Box<dyn Fn() -> Checked + Send + Sync>;

/// Why there is no restart.
type Checked = Result<(), Box<dyn Error>>;

/// All that may refuse a restart of the monitor.
pub(crate) struct RestartChecks {
    commands: Commands,
    /// The name in the configuration file that the monitor runs with; `None` without such a file.
    name: Option<String>,
    checks: Vec<RestartCheck>,
}

impl RestartChecks {
    pub(crate) fn new(commands: Commands, name: Option<String>, checks: Vec<RestartCheck>) -> RestartChecks {
        RestartChecks { commands, name, checks }
    }

    fn check(&self) -> Checked {
        let config = self.commands.read_source()?;
        if let (Some(config), Some(name)) = (&config, &self.name) {
            check_name(name, &config.settings.name)?;
        }
        self.checks.iter().try_for_each(|check| check())
    }
}

/// A program that is started to take over from a daemon knows it by its name: with another one it would be a second monitor.
fn check_name(old: &str, new: &str) -> Checked {
    if old == new {
        return Ok(());
    }
    let (old, new) = (old.escape_debug(), new.escape_debug());
    Err(format!("the monitor is called `{new}` in its configuration now, not `{old}`: shut it down and start it again")
        .into())
}

impl Attachment for RestartChecks {
    fn start(&self, _: Handle) -> Checked {
        Ok(())
    }

    fn check_restart(&self) -> Checked {
        self.check()
    }
}
