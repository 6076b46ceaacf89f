//! Samples of several cases that are measured in turns, and their paired ratios.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::figures::{median, number, percentile};

/// The values of one case, by the round in which each was measured.
#[derive(Clone, Debug, Default)]
pub struct Samples(BTreeMap<usize, f64>);

impl Samples {
    /// Collects these values as those of as many rounds.
    pub fn of(values: &[f64]) -> Self {
        Self(values.iter().copied().enumerate().collect())
    }

    /// Adds the value of a round.
    pub fn insert(&mut self, round: usize, value: f64) {
        self.0.insert(round, value);
    }

    /// Returns how many rounds measured this case.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the value that `part` (between 0 and 1) of the values stay below.
    ///
    /// # Panics
    /// When there is no value.
    pub fn percentile(&self, part: f64) -> f64 {
        percentile(&self.values(), part)
    }

    /// Returns the median.
    ///
    /// # Panics
    /// When there is no value.
    pub fn median(&self) -> f64 {
        median(&self.values())
    }

    /// Returns the ratio to `base` of each round that measured both.
    #[must_use]
    pub fn ratios(&self, base: &Self) -> Self {
        let pairs = self.0.iter().filter_map(|(round, value)| Some((*round, value / base.0.get(round)?)));
        Self(pairs.collect())
    }

    /// Returns the sum with `other` of each round that measured both.
    #[must_use]
    pub fn sums(&self, other: &Self) -> Self {
        let pairs = self.0.iter().filter_map(|(round, value)| Some((*round, value + other.0.get(round)?)));
        Self(pairs.collect())
    }

    /// Formats the median, the 10th and the 90th percentile: `1.20 [1.11..1.36]`.
    ///
    /// # Panics
    /// When there is no value.
    pub fn summary(&self) -> String {
        let [middle, low, high] = [0.5, 0.1, 0.9].map(|part| number(self.percentile(part)));
        format!("{middle} [{low}..{high}]")
    }

    fn values(&self) -> Vec<f64> {
        self.0.values().copied().collect()
    }
}

/// Measures each case once in each round, in a random order, and returns the samples of each. The first round warms up: it
/// is number 0, and its values are dropped.
///
/// `every` has one number for each case: 1 for a case of every round, 10 for one of every tenth round.
///
/// # Errors
/// The first error of `measure`, which gets the index of the case and the number of the round.
pub fn interleave<E>(
    rounds: usize,
    every: &[usize],
    mut measure: impl FnMut(usize, usize) -> Result<f64, E>,
) -> Result<Vec<Samples>, E> {
    let mut samples = vec![Samples::default(); every.len()];
    let mut random = Random::new();
    let mut order: Vec<usize> = (0..every.len()).collect();
    for round in 0..=rounds {
        random.shuffle(&mut order);
        for &case in order.iter().filter(|case| round <= 1 || round % every[**case] == 0) {
            let value = measure(case, round)?;
            if round > 0 {
                samples[case].insert(round, value);
            }
        }
    }
    Ok(samples)
}

/// A generator of random numbers (xorshift), seeded by the clock.
struct Random(u64);

impl Random {
    #[allow(clippy::cast_possible_truncation)] // The low bits are those that differ.
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        Self(now | 1)
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for index in (1..order.len()).rev() {
            order.swap(index, self.below(index + 1));
        }
    }

    #[allow(clippy::cast_possible_truncation)] // Less than `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
