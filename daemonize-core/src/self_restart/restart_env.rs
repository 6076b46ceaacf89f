//! The environment variable by which a restarted program knows the daemon that it takes over from.

use crate::pid::Pid;
use std::fmt;
use std::os::fd::RawFd;

/// Holds the inherited descriptor, the predecessor's pid, its start time, `true` if it has detached, and its name.
pub(crate) const RESTART_ENV: &str = "DAEMONIC_RESTART";

/// The value of the variable [`RESTART_ENV`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RestartVariable<'a> {
    pub(super) fd: RawFd,
    pub(super) pid: Pid,
    pub(super) start_time: u64,
    pub(super) detached: bool,
    pub(super) name: &'a str,
}

impl RestartVariable<'_> {
    /// Returns `None` for a text that a predecessor would not have written.
    pub(super) fn parse(text: &str) -> Option<RestartVariable<'_>> {
        let mut words = text.splitn(5, ' ');
        Some(RestartVariable {
            fd: words.next()?.parse().ok().filter(|fd| *fd > 2)?,
            pid: words.next()?.parse().ok().and_then(Pid::from_raw)?,
            start_time: words.next()?.parse().ok()?,
            detached: words.next()?.parse().ok()?,
            name: words.next()?,
        })
    }
}

impl fmt::Display for RestartVariable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RestartVariable { fd, pid, start_time, detached, name } = self;
        write!(f, "{fd} {pid} {start_time} {detached} {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn variable_that_is_formatted_parses_back() {
        let pid = Pid::from_raw(42).unwrap();
        let variable = RestartVariable { fd: 7, pid, start_time: 99, detached: true, name: "a b" };
        assert_eq!(format!("{variable}"), "7 42 99 true a b");
        assert_eq!(RestartVariable::parse("7 42 99 true a b"), Some(variable));
        for wrong in ["", "7 42 99 true", "1 42 99 true a", "-1 42 99 true a", "7 0 99 true a", "7 42 99 maybe a"] {
            assert_eq!(RestartVariable::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,60}") {
            let _ = RestartVariable::parse(&text);
        }
    }
}
