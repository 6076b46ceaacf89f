//! Reports the messages that were unfinished when the daemon was forced to exit.

use crate::shutdown::SettlementReport;
use std::time::Duration;

/// Returns the report on `unfinished` messages, if `unsettled` receipts were not settled within `timeout`.
pub(super) fn report(
    unfinished: usize,
    details: &str,
    unsettled: usize,
    timeout: Duration,
    fetching: bool,
) -> SettlementReport {
    let mut lines = Vec::new();
    let unsettled_text = format!("{unsettled} receipts were not settled within {timeout:?}");
    match (unfinished, unsettled) {
        (0, 0) => {}
        (0, _) => lines.push(unsettled_text),
        (_, 0) => lines.push(format!("{unfinished} fetched messages were left unfinished{details}")),
        _ => lines.push(format!("{unfinished} fetched messages were left unfinished{details}; {unsettled_text}")),
    }
    if fetching {
        lines.push("the function that fetches messages did not return".to_owned());
    }
    SettlementReport { cut: unfinished + unsettled > 0, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_without_messages_in_flight_is_empty() {
        assert_eq!(report(0, "", 0, Duration::from_secs(1), false), SettlementReport::default());
    }

    #[test]
    fn report_counts_unfinished_messages_and_unsettled_receipts_in_one_line() {
        let lines =
            |unfinished, unsettled| report(unfinished, " (2 begun)", unsettled, Duration::from_secs(1), false).lines;
        assert_eq!(lines(2, 0), ["2 fetched messages were left unfinished (2 begun)"]);
        assert_eq!(lines(0, 1), ["1 receipts were not settled within 1s"]);
        assert_eq!(
            lines(2, 1),
            ["2 fetched messages were left unfinished (2 begun); 1 receipts were not settled within 1s"]
        );
        let fetching = report(0, "", 0, Duration::from_secs(1), true);
        assert!(!fetching.cut && fetching.lines == ["the function that fetches messages did not return"]);
    }
}
