//! The report on messages that were cut off when the daemon ended.

use crate::shutdown::SettlementReport;
use std::time::Duration;

/// Returns the report on `cut` messages, of which `untold` receipts were not told in time.
pub(super) fn outcome(cut: usize, details: &str, untold: usize, limit: Duration, fetching: bool) -> SettlementReport {
    let mut lines = Vec::new();
    let untold_text = format!("{untold} receipts were not told within {limit:?}");
    match (cut, untold) {
        (0, 0) => {}
        (0, _) => lines.push(untold_text),
        (_, 0) => lines.push(format!("{cut} of the messages fetched were not handled to their end{details}")),
        _ => lines.push(format!("{cut} of the messages fetched were not handled to their end{details}; {untold_text}")),
    }
    if fetching {
        lines.push("the function that fetches messages did not return".to_owned());
    }
    SettlementReport { cut: cut + untold > 0, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_without_messages_in_flight_reports_nothing() {
        assert_eq!(outcome(0, "", 0, Duration::from_secs(1), false), SettlementReport::default());
    }

    #[test]
    fn outcome_counts_what_was_cut_and_what_was_not_told_in_one_line() {
        let report = |cut, untold| outcome(cut, " (2 begun)", untold, Duration::from_secs(1), false).lines;
        assert_eq!(report(2, 0), ["2 of the messages fetched were not handled to their end (2 begun)"]);
        assert_eq!(report(0, 1), ["1 receipts were not told within 1s"]);
        assert_eq!(
            report(2, 1),
            ["2 of the messages fetched were not handled to their end (2 begun); 1 receipts were not told within 1s"]
        );
        let fetching = outcome(0, "", 0, Duration::from_secs(1), true);
        assert!(!fetching.cut && fetching.lines == ["the function that fetches messages did not return"]);
    }
}
