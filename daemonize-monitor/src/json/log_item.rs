//! The order of lines and of the ends of runs between them.

use super::{LogEntry, LogRun};
use std::collections::HashMap;

/// A line of a log, or the end of a run between lines.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LogItem {
    /// A line.
    Entry(LogEntry),
    /// The end of a run.
    RunEnded(LogRun),
}

impl LogItem {
    /// Puts the ends of runs between the lines: each after the last line of its run and before the first one of the next run of its
    /// bot, and there by its time.
    ///
    /// ```
    /// use daemonize_monitor::json::{LogEntry, LogItem, LogRun};
    ///
    /// let entries: Vec<LogEntry> = serde_json::from_str(
    ///     r#"[{"bot": "web", "run": 1, "text": "bye"}, {"bot": "web", "run": 2, "text": "hello"}]"#,
    /// )?;
    /// let runs: Vec<LogRun> = serde_json::from_str(r#"[{"bot": "web", "run": 1, "ended": 5.0, "exit": "status 1"}]"#)?;
    /// let items = LogItem::ordered(entries, runs);
    /// assert!(matches!(&items[1], LogItem::RunEnded(run) if run.exit.as_deref() == Some("status 1")));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn ordered(entries: Vec<LogEntry>, runs: Vec<LogRun>) -> Vec<LogItem> {
        let mut lines: HashMap<&str, Vec<(usize, u32)>> = HashMap::new();
        for (place, entry) in entries.iter().enumerate() {
            if let (Some(bot), Some(run)) = (entry.bot.as_deref(), entry.run) {
                lines.entry(bot).or_default().push((place, run));
            }
        }
        let mut ends: Vec<(usize, f64, LogRun)> = Vec::new();
        for run in runs {
            let Some(ended) = run.ended else { continue };
            let own = lines.get(&*run.bot).map(Vec::as_slice).unwrap_or_default();
            let after = own.iter().rev().find(|(_, of)| *of <= run.run).map_or(0, |(place, _)| place + 1);
            let before = own.iter().find(|(_, of)| *of > run.run).map_or(entries.len(), |(place, _)| *place);
            let is_later = |entry: &LogEntry| entry.time.is_some_and(|time| time > ended);
            let between = entries.get(after..before).unwrap_or_default();
            let place = between.iter().position(is_later).map_or(before.max(after), |later| after + later);
            ends.push((place, ended, run));
        }
        ends.sort_by(|one, other| (one.0, one.1).partial_cmp(&(other.0, other.1)).unwrap_or(std::cmp::Ordering::Equal));
        let mut ends = ends.into_iter().peekable();
        let mut items = Vec::with_capacity(entries.len() + ends.len());
        for (place, entry) in entries.into_iter().enumerate() {
            while let Some((_, _, run)) = ends.next_if(|(at, _, _)| *at <= place) {
                items.push(LogItem::RunEnded(run));
            }
            items.push(LogItem::Entry(entry));
        }
        items.extend(ends.map(|(_, _, run)| LogItem::RunEnded(run)));
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(entries: &[(&str, u32, f64)], runs: &[(&str, u32, f64)]) -> String {
        let entry = |(bot, run, time): &(&str, u32, f64)| LogEntry {
            bot: Some((*bot).to_owned()),
            run: Some(*run),
            time: Some(*time),
            ..LogEntry::default()
        };
        let run = |(bot, run, ended): &(&str, u32, f64)| LogRun {
            bot: (*bot).to_owned(),
            run: *run,
            ended: (*ended > 0.0).then_some(*ended),
            ..LogRun::default()
        };
        let items = LogItem::ordered(entries.iter().map(entry).collect(), runs.iter().map(run).collect());
        let show = |item: &LogItem| match item {
            LogItem::Entry(entry) => format!("{}{}", entry.bot.as_deref().unwrap(), entry.run.unwrap()),
            LogItem::RunEnded(run) => format!("[{}{}]", run.bot, run.run),
        };
        items.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    /// Promise 6.59.
    #[test]
    fn end_of_a_run_is_between_its_lines_and_those_of_the_next() {
        let entries = [("w", 1, 1.0), ("d", 1, 2.0), ("w", 1, 3.0), ("d", 1, 4.0), ("w", 3, 5.0), ("d", 1, 6.0)];
        assert_eq!(shown(&entries, &[("w", 1, 3.5), ("w", 2, 4.5)]), "w1 d1 w1 [w1] d1 [w2] w3 d1");
        // A descendant printed the last line after the end.
        assert_eq!(shown(&entries, &[("w", 1, 0.5)]), "w1 d1 w1 [w1] d1 w3 d1");
        assert_eq!(shown(&entries, &[("w", 3, 5.5), ("d", 1, 0.0)]), "w1 d1 w1 d1 w3 [w3] d1");
        assert_eq!(shown(&entries, &[("d", 1, 9.0)]), "w1 d1 w1 d1 w3 d1 [d1]");
        assert_eq!(shown(&[], &[("d", 1, 9.0)]), "[d1]");
    }
}
