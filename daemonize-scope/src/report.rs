//! The helper's report to the daemon: a word, two marks and the text of an error.

use daemonize_sys::escape::escape;

/// The longest report, in bytes.
pub(crate) const SIZE_LIMIT: usize = 1024;

/// The longest text of an error in it, in bytes.
const TEXT_LIMIT: usize = 512;

/// The result of an attempt to leave the scope of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The daemon is in a scope of its own.
    Moved {
        /// `true` if that scope outlives the user's sessions; `None` if that is not known.
        lingers: Option<bool>,
    },
    /// The daemon stays, since it lives longer in the session's scope: logind keeps that as long as it has processes, but the user's
    /// manager ends with the last session.
    Stays,
    /// The daemon could not leave.
    Failed {
        /// `true` if logind kills the user's processes at the end of their session; `None` if that is not known.
        kills: Option<bool>,
        /// The reason.
        cause: String,
    },
}

impl Report {
    /// Returns the failure with this cause.
    pub(crate) fn failed(cause: impl Into<String>) -> Report {
        Report::Failed { kills: None, cause: cause.into() }
    }

    /// Encodes the report.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Report::Moved { lingers } => vec![b'm', mark(*lingers)],
            Report::Stays => vec![b's', mark(None)],
            Report::Failed { kills, cause } => {
                // A text that others have written: a hostile bus, too.
                let cause = escape(cause);
                let end = (0..=cause.len().min(TEXT_LIMIT)).rfind(|end| cause.is_char_boundary(*end)).unwrap_or(0);
                [&[b'f', mark(*kills)], cause[..end].as_bytes()].concat()
            }
        }
    }

    /// Decodes a report; `None` for other bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Report> {
        let (head, text) = bytes.split_at_checked(2)?;
        let marked = match head[1] {
            b'y' => Some(true),
            b'n' => Some(false),
            b'?' => None,
            _ => return None,
        };
        match head[0] {
            b'm' => Some(Report::Moved { lingers: marked }),
            b's' => Some(Report::Stays),
            b'f' => Some(Report::Failed { kills: marked, cause: std::str::from_utf8(text).ok()?.to_owned() }),
            _ => None,
        }
    }
}

fn mark(value: Option<bool>) -> u8 {
    match value {
        Some(true) => b'y',
        Some(false) => b'n',
        None => b'?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn report_is_decoded_as_it_was_encoded() {
        for known in [None, Some(true), Some(false)] {
            let failed = Report::Failed { kills: known, cause: "no bus".into() };
            for report in [Report::Moved { lingers: known }, Report::Stays, failed] {
                assert_eq!(Report::decode(&report.encode()), Some(report));
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let _ = Report::decode(&bytes);
        }

        #[test]
        fn any_cause_is_one_line_of_limited_length(cause in "(?s).{0,700}") {
            let encoded = Report::failed(cause).encode();
            prop_assert!(encoded.len() <= SIZE_LIMIT && !encoded.contains(&b'\n'));
            prop_assert!(Report::decode(&encoded).is_some());
        }
    }
}
