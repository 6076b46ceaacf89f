//! The commands that report what happens to a bot.

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
pub(super) static NO_HOOKS: Hooks =
    Hooks { on_exit: Vec::new(), on_gave_up: Vec::new(), on_unhealthy: Vec::new(), timeout: DEFAULT_HOOK_TIMEOUT };

impl Default for Hooks {
    /// No commands, which may take 10 s.
    fn default() -> Hooks {
        NO_HOOKS.clone()
    }
}
