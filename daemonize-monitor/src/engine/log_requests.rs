//! Commands about logs: copies of what is kept, and followers of what comes.

use super::state::Engine;
use super::supervised_bot::SupervisedBot;
use crate::bot::LogTarget;
use crate::command_queue::Answer;
use crate::error::{Error, ErrorKind, Result};
use crate::logs::{BotLog, Follower};
use std::collections::BTreeSet;

/// The maximum number of bots whose logs one request reads: each may have 8 KiB in memory.
const MAX_LOGS: usize = 1000;

impl Engine {
    /// Returns the logs of bots. A follower is sent exactly what comes after them.
    pub(super) fn tail(&mut self, names: &[String], follower: Option<&Follower>) -> Result<Answer> {
        let mut found = Vec::new();
        for name in names {
            found.extend(self.named(name)?);
        }
        let mut seen = BTreeSet::new();
        found.retain(|index| seen.insert(*index));
        if found.len() > MAX_LOGS {
            let why = format!("they are {}, and {MAX_LOGS} are read at once: name fewer", found.len());
            return Err(Error::new(ErrorKind::Failed, format!("failed to read the logs of these bots: {why}")));
        }
        let logs = found.iter().map(|index| self.log_of(&self.bots.units[*index])).collect();
        if let Some(follower) = follower {
            self.add_follower(&found, follower);
        }
        Ok(Answer::Logs(logs))
    }

    /// Sends the output of these bots to a follower from now on.
    fn add_follower(&mut self, bots: &[usize], follower: &Follower) {
        let count = self.bots.streams.followers.add(bots, follower);
        log::debug!("a client follows a log; {count} followers are connected");
    }

    fn log_of(&self, unit: &SupervisedBot) -> BotLog {
        let has_console = self.bots.streams.followers.has_console();
        let is_kept = |target: &LogTarget| {
            matches!(target, LogTarget::Memory | LogTarget::File(_)) || (*target == LogTarget::Inherit && has_console)
        };
        BotLog {
            bot: unit.bot.name.as_str().into(),
            ring: unit.ring.borrow().clone(),
            files: self.bots.streams.files(unit),
            is_kept: is_kept(&unit.bot.stdout) || is_kept(&unit.bot.stderr),
            has_streams: unit.bot.stderr != LogTarget::Stdout,
            runs: unit.runs.iter().collect(),
        }
    }

    /// Sends the output of bots to a follower from now on.
    pub(super) fn follow(&mut self, name: &str, follower: &Follower) -> Result<Answer> {
        let found = self.named(name)?;
        self.add_follower(&found, follower);
        Ok(Answer::Done)
    }

    /// Drops the followers and subscribers that have disconnected.
    pub(super) fn drop_observers(&mut self) -> Answer {
        let logs = self.bots.streams.followers.drop_closed();
        let changes = self.bots.subscribers.drop_cancelled();
        log::debug!("a client has disconnected; {logs} followers and {changes} subscribers are connected");
        Answer::Done
    }
}
