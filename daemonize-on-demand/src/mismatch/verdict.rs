//! The reaction of a client to a daemon's build: the table of `verdicts.md`, in code.

use super::comparison::Comparison;
use crate::settings::OnMismatch;
use std::cmp::Ordering::{Equal, Greater, Less};

/// The reaction of a client to the build of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The daemon serves the client.
    Serve,
    /// The client fails.
    Error,
    /// The daemon is replaced if it is idle now; else it serves the client.
    IfIdle,
    /// The daemon is replaced if it is idle now; else it serves the client, and exits when its last client leaves.
    WhenIdle,
    /// The client waits until the daemon is idle, and replaces it then.
    Wait,
    /// The daemon is stopped at once and replaced.
    Now,
}

impl Comparison {
    /// Returns the reaction.
    pub(super) fn verdict(self, reaction: OnMismatch) -> Verdict {
        // It is another program, which happens to have chosen the same name.
        if self.is_other_package {
            return Verdict::Error;
        }
        let order = self.protocol.then(self.version);
        if self.protocol == Equal && self.version == Equal && !self.is_other_id && !self.is_other_constraint {
            return Verdict::Serve;
        }
        match reaction {
            OnMismatch::Keep if self.protocol == Equal => Verdict::Serve,
            OnMismatch::Refuse | OnMismatch::Keep => Verdict::Error,
            OnMismatch::RestartNow if order == Greater => Verdict::Now,
            OnMismatch::RestartWhenIdle | OnMismatch::RestartNow => {
                // Another protocol number and another constraint are never served.
                let may_serve = self.protocol == Equal && !self.is_other_constraint;
                match order {
                    Less if may_serve => Verdict::Serve,
                    // A client of lower order never replaces a daemon.
                    Less => Verdict::Error,
                    Equal if may_serve => Verdict::IfIdle,
                    Greater if may_serve => Verdict::WhenIdle,
                    Equal | Greater => Verdict::Wait,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    const TABLE: &str = include_str!("verdicts.md");

    const REACTIONS: [OnMismatch; 4] =
        [OnMismatch::RestartWhenIdle, OnMismatch::RestartNow, OnMismatch::Keep, OnMismatch::Refuse];

    /// Returns the row of the table that describes a comparison.
    fn row(comparison: Comparison) -> &'static str {
        match comparison {
            Comparison { is_other_package: true, .. } => "another package",
            Comparison { protocol: Less, .. } => "lower protocol number",
            Comparison { protocol: Greater, .. } => "higher protocol number",
            Comparison { is_other_constraint: true, version: Less, .. } => "other constraint, lower version",
            Comparison { is_other_constraint: true, version: Greater, .. } => "other constraint, higher version",
            Comparison { is_other_constraint: true, .. } => "other constraint, same version",
            Comparison { version: Less, .. } => "lower version",
            Comparison { version: Greater, .. } => "higher version",
            Comparison { is_other_id: true, .. } => "other id",
            _ => "the same",
        }
    }

    /// Returns the cell of the table.
    fn cell(row: &str, reaction: usize) -> &'static str {
        let line =
            TABLE.lines().find(|line| line.starts_with(&format!("| {row} |"))).unwrap_or_else(|| panic!("{row}"));
        line.split('|').nth(2 + reaction).unwrap().trim()
    }

    fn word(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Serve => "serve",
            Verdict::Error => "error",
            Verdict::IfIdle => "if idle",
            Verdict::WhenIdle => "when idle",
            Verdict::Wait => "wait",
            Verdict::Now => "now",
        }
    }

    fn all_comparisons() -> Vec<Comparison> {
        let mut all = Vec::new();
        for protocol in [Less, Equal, Greater] {
            for version in [Less, Equal, Greater] {
                for (is_other_id, is_other_constraint) in [(false, false), (false, true), (true, false), (true, true)] {
                    for is_other_package in [false, true] {
                        all.push(Comparison { is_other_package, protocol, version, is_other_id, is_other_constraint });
                    }
                }
            }
        }
        all
    }

    /// Promise 12.08.
    #[test]
    fn verdicts_are_those_of_the_table() {
        let mut rows: Vec<&str> = Vec::new();
        for comparison in all_comparisons() {
            rows.push(row(comparison));
            for (index, reaction) in REACTIONS.into_iter().enumerate() {
                let verdict = word(comparison.verdict(reaction));
                assert_eq!(verdict, cell(row(comparison), index), "{comparison:?} {reaction:?}");
            }
        }
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len() + 2, TABLE.lines().count(), "a row of the table that no comparison has");
    }

    /// Promise 12.08.
    #[test]
    fn client_of_lower_order_never_replaces_and_one_of_the_same_order_only_when_idle() {
        for comparison in all_comparisons() {
            for reaction in REACTIONS {
                let verdict = comparison.verdict(reaction);
                let may_be: &[Verdict] = match comparison.protocol.then(comparison.version) {
                    Ordering::Less => &[Verdict::Serve, Verdict::Error],
                    Ordering::Equal => &[Verdict::Serve, Verdict::Error, Verdict::IfIdle, Verdict::Wait],
                    Ordering::Greater => continue,
                };
                assert!(may_be.contains(&verdict), "{comparison:?} {reaction:?}: {verdict:?}");
            }
        }
    }

    /// Promise 12.08.
    #[test]
    fn daemon_of_another_protocol_number_never_serves() {
        let all = all_comparisons().into_iter();
        for comparison in all.filter(|comparison| comparison.protocol != Equal) {
            for reaction in REACTIONS {
                let verdict = comparison.verdict(reaction);
                assert!(
                    [Verdict::Error, Verdict::Wait, Verdict::Now].contains(&verdict),
                    "{comparison:?}: {verdict:?}"
                );
            }
        }
    }

    /// Two builds of one order that alternate: each is served by the other's daemon while that works.
    #[test]
    fn alternating_builds_of_one_order_do_not_stop_a_working_daemon() {
        let other = Comparison {
            is_other_package: false,
            protocol: Equal,
            version: Equal,
            is_other_id: true,
            is_other_constraint: false,
        };
        assert_eq!(REACTIONS.map(|reaction| other.verdict(reaction)), {
            [Verdict::IfIdle, Verdict::IfIdle, Verdict::Serve, Verdict::Error]
        });
    }
}
