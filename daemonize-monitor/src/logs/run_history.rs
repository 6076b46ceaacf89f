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

/// The last runs of one bot. Takes little memory until the first one has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunHistory {
    /// The number, process and beginning of the last run; 0 before the first one.
    last: u32,
    pid: i32,
    began: u64,
    /// The runs that have ended, the newest last.
    #[allow(clippy::box_collection)] // One pointer for each bot that has not ended.
    ended: Option<Box<VecDeque<BotRun>>>,
}

impl RunHistory {
    /// Notes the beginning of a run. Returns its number.
    pub(crate) fn begin(&mut self, pid: i32, now: u64) -> u32 {
        (self.last, self.pid, self.began) = (self.last.saturating_add(1), pid, now);
        self.last
    }

    /// Notes the end of the last run, and returns it; `None` if it has ended already.
    pub(crate) fn end(&mut self, exit: &str, now: u64) -> Option<&BotRun> {
        let run = BotRun { ended: Some(now), exit: exit.into(), ..self.current()? };
        let ended = self.ended.get_or_insert_default();
        if ended.len() >= MAX_RUNS {
            ended.pop_front();
        }
        ended.push_back(run);
        ended.back()
    }

    /// Returns the runs, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = BotRun> {
        let ended = self.ended.iter().flat_map(|ended| ended.iter().cloned());
        ended.chain(self.current())
    }

    /// Returns the run that has not ended.
    fn current(&self) -> Option<BotRun> {
        let last_ended = self.ended.as_ref().and_then(|ended| ended.back()).map_or(0, |run| run.run);
        let run = BotRun { run: self.last, pid: self.pid, began: self.began, ended: None, exit: Box::default() };
        (self.last > last_ended).then_some(run)
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
        let runs: Vec<u32> = history.iter().map(|run| run.run).collect();
        assert_eq!(runs, (85..=100).collect::<Vec<_>>());
        history.begin(7, 8);
        assert_eq!(history.iter().last().map(|run| (run.run, run.ended)), Some((101, None)));
    }
}
