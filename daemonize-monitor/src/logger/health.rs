//! Keeps track of whether the monitor's own log can be written, and how much of it was lost.

use std::time::{Duration, Instant};

/// The minimum interval between reports on stderr, so that a disk that fills up now and then does not flood another log.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// The state of the log since the last message that was written.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// `true` if the last attempt failed.
    is_failing: bool,
    /// Why it did, or the last one that did.
    last_error: String,
    /// How many messages were lost without a note in the log.
    lost: u64,
    /// When a problem was last reported on stderr.
    reported_at: Option<Instant>,
}

impl Health {
    /// Records the outcome of opening the log, or of writing `messages` to it. Returns `true` if a problem is to be reported on
    /// stderr now.
    pub(super) fn record(&mut self, outcome: Result<(), String>, messages: u64) -> bool {
        let is_new = !std::mem::replace(&mut self.is_failing, outcome.is_err());
        let Err(last_error) = outcome else { return false };
        self.last_error = last_error;
        self.lost += messages;
        let is_due = is_new && self.reported_at.is_none_or(|at| at.elapsed() >= REPORT_INTERVAL);
        if is_due {
            self.reported_at = Some(Instant::now());
        }
        is_due
    }

    /// Returns the note of lost messages that belongs into the log, once it can be written again.
    pub(super) fn take_loss_note(&mut self) -> Option<String> {
        if self.is_failing || self.lost == 0 {
            return None;
        }
        let note = format!("{} before the last one: {}", self.losses(), self.last_error);
        self.lost = 0;
        Some(note)
    }

    /// Returns why the log cannot be written, and how many messages were lost.
    pub(super) fn problem(&self) -> Option<String> {
        let text =
            if self.lost > 0 { format!("{}; {}", self.last_error, self.losses()) } else { self.last_error.clone() };
        self.is_failing.then_some(text)
    }

    fn losses(&self) -> String {
        if self.lost == 1 { "1 message was lost".into() } else { format!("{} messages were lost", self.lost) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_is_noticed_once_until_it_is_over_and_losses_are_counted() {
        let mut health = Health::default();
        let failed = |last_error: &str| Err(last_error.to_owned());
        assert!(health.record(failed("no space"), 0));
        assert!(!health.record(failed("no space"), 1));
        assert!(!health.record(failed("no file"), 1));
        assert_eq!(
            (health.problem().as_deref(), health.take_loss_note()),
            (Some("no file; 2 messages were lost"), None)
        );
        assert!(!health.record(Ok(()), 1) && health.problem().is_none());
        assert_eq!(health.take_loss_note().as_deref(), Some("2 messages were lost before the last one: no file"));
        assert_eq!(health.take_loss_note(), None);
        assert!(!health.record(failed("no space"), 1), "so soon again");
    }
}
