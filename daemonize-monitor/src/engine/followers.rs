//! Receivers of bots' lines: clients that follow a log, and the console.

use crate::bot::Bot;
use crate::console::Console;
use crate::logs::{BotRun, Follower, LineStamp, LogNews, OutputChunk};
use std::sync::Arc;

/// The followers of all bots.
#[derive(Default)]
pub(super) struct Followers {
    /// By the number of the bot.
    list: Vec<(usize, Follower)>,
    /// The stdout of a container, on which the lines of all bots are shown.
    console: Option<Arc<Console>>,
}

impl Followers {
    /// Returns `true` if the lines of all bots are shown on the monitor's stdout.
    pub(super) fn has_console(&self) -> bool {
        self.console.is_some()
    }

    /// Shows the lines of all bots there, from now on.
    pub(super) fn show_on(&mut self, console: Option<Arc<Console>>) {
        self.console = console;
    }

    /// Sends whole lines of a bot to its followers.
    pub(super) fn send_lines(&mut self, index: usize, bot: &Arc<Bot>, stamp: LineStamp, lines: &[u8]) {
        let is_followed = self.has_any(index);
        if lines.is_empty() || !(is_followed || self.has_console()) {
            return;
        }
        let chunk = Arc::new(OutputChunk { bot: Arc::clone(bot), stamp, lines: lines.into() });
        if let Some(console) = &self.console {
            console.show(&chunk);
        }
        if is_followed {
            self.send(index, &LogNews::Lines(chunk));
        }
    }

    /// Tells the followers of a bot that a run of it has ended.
    pub(super) fn send_end(&mut self, index: usize, bot: &Arc<Bot>, run: &BotRun) {
        if self.has_any(index) {
            self.send(index, &LogNews::RunEnded(Arc::clone(bot), Arc::new(run.clone())));
        }
    }

    fn has_any(&self, index: usize) -> bool {
        self.list.iter().any(|(followed, _)| *followed == index)
    }

    fn send(&mut self, index: usize, news: &LogNews) {
        self.list.retain(|(followed, follower)| *followed != index || follower.send(news));
    }

    /// Sends the lines of these bots to a follower. Returns how many followers there are.
    pub(super) fn add(&mut self, bots: &[usize], follower: &Follower) -> usize {
        self.list.extend(bots.iter().map(|bot| (*bot, follower.clone())));
        self.list.len()
    }

    /// Drops the followers that have gone. Returns how many are left.
    pub(super) fn drop_closed(&mut self) -> usize {
        self.list.retain(|(_, follower)| !follower.is_closed());
        self.list.len()
    }

    /// Drops the followers of a bot that was removed.
    pub(super) fn drop_of(&mut self, index: usize) {
        self.list.retain(|(other, _)| *other != index);
    }
}
