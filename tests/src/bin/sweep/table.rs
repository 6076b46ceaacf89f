//! What came out of it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::plan::{Kind, Point};
use crate::trial;

/// Runs, and how many of them found something.
#[derive(Default)]
struct Row {
    runs: usize,
    findings: usize,
}

/// The outcome of a sweep.
pub(crate) struct Table {
    planned: usize,
    rows: BTreeMap<(String, &'static str, String), Row>,
    findings: usize,
}

impl Table {
    /// An empty one, for so many points.
    pub(crate) fn new(planned: usize) -> Self {
        Self { planned, rows: BTreeMap::new(), findings: 0 }
    }

    /// Enters one run; a finding is printed at once.
    pub(crate) fn add(&mut self, point: &Point, verdict: Result<(), String>) {
        let kind = match point.kind {
            Kind::Killed => "killed",
            Kind::Failed(_) => "failed",
            Kind::Lied(_) => "lied to",
        };
        let row = self.rows.entry((point.scenario.to_string(), kind, point.call.clone())).or_default();
        row.runs += 1;
        if let Err(text) = verdict {
            row.findings += 1;
            self.findings += 1;
            println!("FINDING {point}\n  {}\n  {}", text.replace('\n', "\n  "), trial::reproduction(point));
        }
    }

    /// Prints it; the exit status says whether there are findings.
    pub(crate) fn print(&self) -> ExitCode {
        println!("{:<18} {:<8} {:<18} {:>5} {:>5} {:>8}", "verb", "kind", "call", "runs", "ok", "findings");
        for ((scenario, kind, call), row) in &self.rows {
            let ok = row.runs - row.findings;
            println!("{scenario:<18} {kind:<8} {call:<18} {:>5} {ok:>5} {:>8}", row.runs, row.findings);
        }
        let runs: usize = self.rows.values().map(|row| row.runs).sum();
        println!("{runs} of {} points, {} findings", self.planned, self.findings);
        if self.findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
