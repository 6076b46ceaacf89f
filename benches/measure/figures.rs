//! Medians, and figures with the limits they have to keep.

use std::fs;

/// The middle one of these values, the upper one of two.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value that `part` (between 0 and 1) of these values stay below.
///
/// # Panics
/// When there is no value.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // Of small counts.
pub fn percentile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() as f64 * part) as usize;
    *sorted.get(index).or(sorted.last()).expect("at least one value")
}

/// How busy the machine was in the last minute, five and fifteen minutes: the first fields of `/proc/loadavg`.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// A table of figures, each with what it may be at most, and how many of them were more.
#[derive(Debug, Default)]
pub struct Limits {
    missed: u32,
}

impl Limits {
    /// The head of the table.
    pub fn new() -> Self {
        println!("{:<58}{:>14}{:>14}{:>9}{:>9}", "", "ours", "theirs", "ratio", "at most");
        Self::default()
    }

    /// A ratio of two figures of the same unit, `theirs` never zero.
    pub fn ratio(&mut self, name: &str, unit: &str, ours: f64, theirs: f64, ratio: f64, at_most: f64) {
        let missed = self.count(ratio > at_most);
        println!("{name:<58}{:>14}{:>14}{ratio:>9.2}{at_most:>9.2}{missed}", with(ours, unit), with(theirs, unit));
    }

    /// A figure of ours that nothing of theirs is beside.
    pub fn figure(&mut self, name: &str, unit: &str, ours: f64, at_most: f64) {
        let missed = self.count(ours > at_most);
        println!("{name:<58}{:>14}{:>14}{:>9}{:>9}{missed}", with(ours, unit), "", "", number(at_most));
    }

    /// Returns the limit of a figure as a cell of a table, which marks a figure beyond it; without a limit, nothing.
    pub fn cell(&mut self, figure: f64, at_most: Option<f64>) -> String {
        let Some(at_most) = at_most else { return String::new() };
        let missed = if self.count(figure > at_most).is_empty() { "" } else { " **missed**" };
        format!("≤ {}{missed}", number(at_most))
    }

    /// Returns how many figures were beyond their limits.
    pub fn missed(&self) -> u32 {
        self.missed
    }

    /// The last line: how many limits were missed.
    pub fn end(self) -> u32 {
        println!("{} missed", self.missed);
        self.missed
    }

    fn count(&mut self, missed: bool) -> &'static str {
        self.missed += u32::from(missed);
        if missed { "  missed" } else { "" }
    }
}

fn with(value: f64, unit: &str) -> String {
    format!("{} {unit}", number(value))
}

/// Formats a value with three significant digits, or with all digits before the point.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
