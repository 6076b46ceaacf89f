//! The commands that report what happens to a bot.

use super::Bot;
use std::ffi::OsString;
use std::time::Duration;

/// The default of [`Hooks::timeout`].
const DEFAULT_HOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// Commands that the monitor executes as the bot's user when something happens to the bot. Each is a program and its arguments,
/// executed without a shell; none if empty.
///
/// ```
/// use daemonize_monitor::Bot;
///
/// let web = Bot::new("web", "/usr/bin/web").on_gave_up(["/usr/local/bin/page-me", "web is down"]);
/// assert_eq!(web.hooks.unwrap().timeout.as_secs(), 10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hooks {
    /// The command after each exit that was not asked for by a command.
    pub on_exit: Vec<OsString>,
    /// The command when the bot is given up, since it has exited too often.
    pub on_gave_up: Vec<OsString>,
    /// The command when the bot is unhealthy.
    pub on_unhealthy: Vec<OsString>,
    /// The time that a command may take; then it is killed with its process group. 10 s by default.
    pub timeout: Duration,
}

/// The hooks of a bot that has none.
static NO_HOOKS: Hooks =
    Hooks { on_exit: Vec::new(), on_gave_up: Vec::new(), on_unhealthy: Vec::new(), timeout: DEFAULT_HOOK_TIMEOUT };

impl Default for Hooks {
    /// No commands, which may take 10 s.
    fn default() -> Hooks {
        NO_HOOKS.clone()
    }
}

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
