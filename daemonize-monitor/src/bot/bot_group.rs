//! The group of bots that a bot belongs to, by which commands reach all of them.

use super::Bot;

impl Bot {
    /// Puts the bot into a group of bots, whose name may stand wherever the name of a bot may.
    #[must_use]
    pub fn bot_group(mut self, name: impl Into<String>) -> Bot {
        self.bot_group = Some(name.into());
        self
    }
}
