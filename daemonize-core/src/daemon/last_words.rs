//! A daemon's own report of how it ended, as `status` shows it.

use crate::pidfile::ExitReport;
use std::fmt;
use std::time::SystemTime;

/// A daemon's own report of how it ended: a claim of the user that it ran as, which nothing should depend on.
///
/// ```
/// use daemon::Daemon;
///
/// let status = Daemon::new("no-such-daemon").pidfile("/tmp/no-such-daemon.pid").status()?;
/// if let Some(words) = &status.last_words {
///     println!("{words}"); // ended 3 minutes ago; it said: the body failed: no such table
/// }
/// # Ok::<(), daemon::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastWords {
    /// The time of the end.
    pub at: SystemTime,
    /// The exit status; `None` if the program called `exit(3)` itself, or a panic aborted it.
    pub exit_status: Option<u8>,
    /// The reason, in one line, escaped; empty after an orderly end.
    pub text: String,
}

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = Ago(self.at);
        match self.exit_status {
            Some(0) => write!(f, "it said {ago} that it ends in order"),
            Some(status) if self.text.is_empty() => write!(f, "ended {ago} with status {status}"),
            _ => write!(f, "ended {ago}; it said: {}", self.text),
        }
    }
}

/// The age of a moment, displayed in its largest unit.
struct Ago(SystemTime);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Zero if the clock was set back meanwhile.
        let seconds = self.0.elapsed().unwrap_or_default().as_secs();
        let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
        match units.into_iter().find(|(length, _)| seconds >= *length) {
            Some((length, unit)) => {
                let count = seconds / length;
                write!(f, "{count} {unit}{} ago", if count == 1 { "" } else { "s" })
            }
            None => f.write_str("just now"),
        }
    }
}

impl LastWords {
    pub(super) fn at(at: SystemTime) -> impl FnOnce(ExitReport) -> LastWords {
        move |ExitReport { status, text }| LastWords { at, exit_status: status, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn words(age: Duration, exit_status: Option<u8>, text: &str) -> String {
        let at = SystemTime::now().checked_sub(age).unwrap();
        LastWords { at, exit_status, text: text.into() }.to_string()
    }

    #[test]
    fn last_words_say_how_long_ago_and_why() {
        let minute = Duration::from_secs(60);
        assert_eq!(words(minute * 3, Some(4), "no table"), "ended 3 minutes ago; it said: no table");
        assert_eq!(words(minute * 60, None, "bye"), "ended 1 hour ago; it said: bye");
        assert_eq!(words(minute * 60 * 24 * 400, Some(1), ""), "ended 400 days ago with status 1");
        assert_eq!(words(Duration::ZERO, Some(0), ""), "it said just now that it ends in order");
        let future = LastWords { at: SystemTime::now() + minute, exit_status: Some(4), text: "no".into() };
        assert_eq!(future.to_string(), "ended just now; it said: no");
    }
}
