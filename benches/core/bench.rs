//! One run of the bench: its settings, its report, and what the parts share.

use std::fmt::Display;

use measure::{Limits, Samples, Table, WorkDir, load, number};

use crate::programs::Programs;

/// A part of the bench: a section of the report that can be measured alone.
pub(crate) struct Part {
    /// The word of the command line.
    pub(crate) name: &'static str,
    /// The heading in the report.
    pub(crate) title: &'static str,
    /// Measures and reports.
    pub(crate) run: fn(&mut Bench) -> Result<(), String>,
}

/// A run of the bench.
pub(crate) struct Bench {
    /// A directory in memory: pidfiles, logs, output.
    pub(crate) work_dir: WorkDir,
    /// The measured programs, built when they are asked for.
    pub(crate) programs: Programs,
    /// The wanted limits, and how many were missed.
    pub(crate) limits: Limits,
    rounds: Option<usize>,
    report: String,
}

impl Bench {
    /// Creates a run; `rounds` replaces the number of rounds of each part.
    pub(crate) fn new(rounds: Option<usize>) -> Result<Self, String> {
        Ok(Self {
            work_dir: WorkDir::in_memory(),
            programs: Programs::new()?,
            limits: Limits::default(),
            rounds,
            report: String::new(),
        })
    }

    /// Returns how many rounds to measure: what `--rounds` says, or this default.
    pub(crate) fn rounds(&self, default: usize) -> usize {
        self.rounds.unwrap_or(default)
    }

    /// Adds text and a line end to the report, and prints it.
    pub(crate) fn say(&mut self, text: impl Display) {
        let text = format!("{text}\n");
        print!("{text}");
        self.report.push_str(&text);
    }

    /// Adds the heading of a part.
    pub(crate) fn begin(&mut self, part: &Part) {
        self.say(format_args!("\n## {}\n", part.title));
    }

    /// Adds a table, and how busy the machine was before (what `measure::load` returned then) and after.
    pub(crate) fn table(&mut self, table: &Table, load_before: &str) {
        self.say(table);
        self.say(format_args!("Load before: {load_before}; after: {}.\n", load()));
    }

    /// Returns the cells of a case in a table of ratios: its count, its summary in the unit of the samples, the paired ratio to
    /// `base`, and the wanted limit of that ratio.
    pub(crate) fn cells(&mut self, samples: &Samples, base: &Samples, at_most: Option<f64>) -> [String; 4] {
        let ratio = samples.ratios(base).median();
        let limit = self.limits.cell(ratio, at_most);
        [samples.count().to_string(), samples.summary(), number(ratio), limit]
    }

    /// Adds the last line; returns the report and how many limits were missed.
    pub(crate) fn end(mut self) -> (String, u32) {
        let missed = self.limits.missed();
        self.say(format_args!("{missed} wanted limits missed."));
        (self.report, missed)
    }
}
