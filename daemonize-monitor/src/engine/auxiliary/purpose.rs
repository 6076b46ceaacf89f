//! The purposes of auxiliary commands.

/// The purpose of an auxiliary command. A bot has at most one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Purpose {
    /// Tells whether the bot is healthy.
    Check,
    /// Tells whether the bot is ready.
    Ready,
    /// Tells a program of the operator of something that has happened to the bot.
    Hook(Hook),
}

impl Purpose {
    /// Returns `true` for a report of something that has happened.
    pub(in crate::engine) fn is_hook(self) -> bool {
        matches!(self, Purpose::Hook(_))
    }
}

/// The occasion of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Hook {
    /// The bot has ended.
    Exit,
    /// The bot is given up.
    GaveUp,
    /// The bot has failed its checks.
    Unhealthy,
}
