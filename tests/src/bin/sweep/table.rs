//! The results of a sweep.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use crate::plan::{Kind, Point};
use crate::trial::{self, Trial};

/// Counts of runs, of runs that reached the call, and of findings.
#[derive(Default)]
struct Row {
    runs: usize,
    hits: usize,
    findings: usize,
}

/// The outcome of a sweep.
pub(crate) struct Table {
    planned: usize,
    begun: Instant,
    done: usize,
    rows: BTreeMap<(String, &'static str, String), Row>,
    findings: usize,
}

/// The number of points between two reports of progress.
const REPORT_INTERVAL: usize = 1000;

impl Table {
    /// Creates an empty table for `planned` points.
    pub(crate) fn new(planned: usize) -> Self {
        Self { planned, begun: Instant::now(), done: 0, rows: BTreeMap::new(), findings: 0 }
    }

    /// Adds one run, and prints a finding at once.
    pub(crate) fn add(&mut self, point: &Point, trial: &Trial) {
        let kind = match point.kind {
            Kind::Killed => "killed",
            Kind::Failed(_) => "failed",
            Kind::Faked(_) => "faked",
        };
        let row = self.rows.entry((point.scenario.to_string(), kind, point.call.clone())).or_default();
        row.runs += 1;
        row.hits += usize::from(trial.hit);
        if let Err(text) = &trial.verdict {
            row.findings += 1;
            self.findings += 1;
            println!("FINDING {point}\n  {}\n  {}", text.replace('\n', "\n  "), trial::reproduction(point));
        }
        self.done += 1;
        if self.done % REPORT_INTERVAL == 0 {
            println!("{} of {} points after {} s", self.done, self.planned, self.begun.elapsed().as_secs());
        }
    }

    /// Prints the table, and returns the exit status: a failure if there are findings.
    pub(crate) fn print(&self) -> ExitCode {
        println!("{:<18} {:<8} {:<18} {:>5} {:>5} {:>8}", "verb", "kind", "call", "runs", "hit", "findings");
        for ((scenario, kind, call), Row { runs, hits, findings }) in &self.rows {
            println!("{scenario:<18} {kind:<8} {call:<18} {runs:>5} {hits:>5} {findings:>8}");
        }
        println!();
        for ((scenario, kind), Row { runs, hits, findings }) in self.sums() {
            println!("{scenario:<18} {kind:<8} {:<18} {runs:>5} {hits:>5} {findings:>8}", "all");
        }
        let hits: usize = self.rows.values().map(|row| row.hits).sum();
        let took = self.begun.elapsed().as_secs();
        println!("{} of {} points in {took} s, {hits} hit, {} findings", self.done, self.planned, self.findings);
        if self.findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Sums up the calls of a kind.
    fn sums(&self) -> BTreeMap<(&str, &str), Row> {
        let mut sums = BTreeMap::<(&str, &str), Row>::new();
        for ((scenario, kind, _), row) in &self.rows {
            let sum = sums.entry((scenario, kind)).or_default();
            sum.runs += row.runs;
            sum.hits += row.hits;
            sum.findings += row.findings;
        }
        sums
    }
}
