//! The last runs of a bot: their numbers, processes, times and ends.

use std::collections::VecDeque;

/// The number of runs that are remembered.
const MAX_RUNS: usize = 16;

/// One run of a bot, from the execution of its program to the end of its process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BotRun {
    /// Counted from 1, since the bot was added to the monitor.
    pub(crate) run: u32,
    pub(crate) pid: i32,
    /// When it began and ended, in milliseconds since 1970.
    pub(crate) began: u64,
    pub(crate) ended: Option<u64>,
    /// The end: "status 1", "SIGKILL"; empty while it runs.
    pub(crate) exit: Box<str>,
}

/// The last runs of one bot, the newest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunHistory {
    runs: VecDeque<BotRun>,
    count: u32,
}

impl RunHistory {
    /// Notes the beginning of a run. Returns its number.
    pub(crate) fn begin(&mut self, pid: i32, now: u64) -> u32 {
        self.count = self.count.saturating_add(1);
        if self.runs.len() >= MAX_RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(BotRun { run: self.count, pid, began: now, ended: None, exit: Box::default() });
        self.count
    }

    /// Notes the end of the last run, and returns it.
    pub(crate) fn end(&mut self, exit: &str, now: u64) -> Option<&BotRun> {
        let last = self.runs.back_mut().filter(|last| last.ended.is_none())?;
        (last.ended, last.exit) = (Some(now), exit.into());
        Some(last)
    }

    /// Returns the runs, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &BotRun> {
        self.runs.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_runs_are_remembered() {
        let mut history = RunHistory::default();
        for pid in 1..=100 {
            assert_eq!(history.begin(pid, 5), u32::try_from(pid).unwrap());
            let ended = history.end("status 1", 6).cloned().expect("a run");
            assert_eq!((ended.pid, &*ended.exit), (pid, "status 1"));
            assert_eq!(history.end("SIGKILL", 7), None, "it has ended");
        }
        assert_eq!((history.runs.len(), history.runs[0].run), (MAX_RUNS, 85));
    }
}
