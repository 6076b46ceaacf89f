//! The methods that set the hooks of a bot.

use super::Bot;
use super::hooks::{Hooks, NO_HOOKS};
use std::ffi::OsString;
use std::time::Duration;

impl Bot {
    /// Executes a program with arguments after each exit of the bot that no command has asked for.
    #[must_use]
    pub fn on_exit<A: Into<OsString>>(mut self, command: impl IntoIterator<Item = A>) -> Bot {
        self.hooks_mut().on_exit = words(command);
        self
    }

    /// Executes a program with arguments when the bot is given up.
    #[must_use]
    pub fn on_gave_up<A: Into<OsString>>(mut self, command: impl IntoIterator<Item = A>) -> Bot {
        self.hooks_mut().on_gave_up = words(command);
        self
    }

    /// Executes a program with arguments when the bot is unhealthy.
    #[must_use]
    pub fn on_unhealthy<A: Into<OsString>>(mut self, command: impl IntoIterator<Item = A>) -> Bot {
        self.hooks_mut().on_unhealthy = words(command);
        self
    }

    /// Sets the time that each of these commands may take; 10 s by default.
    #[must_use]
    pub fn hook_timeout(mut self, timeout: Duration) -> Bot {
        self.hooks_mut().timeout = timeout;
        self
    }

    /// Returns the hooks; those without commands if there are none.
    pub(crate) fn hooks(&self) -> &Hooks {
        self.hooks.as_deref().unwrap_or(&NO_HOOKS)
    }

    fn hooks_mut(&mut self) -> &mut Hooks {
        self.hooks.get_or_insert_default()
    }
}

fn words<A: Into<OsString>>(command: impl IntoIterator<Item = A>) -> Vec<OsString> {
    command.into_iter().map(Into::into).collect()
}
