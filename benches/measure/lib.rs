//! What every bench needs: medians, a table with the wanted limits beside, what a process costs, a place to work in.
#![allow(clippy::missing_panics_doc)] // A bench that cannot measure has nothing else to say.

mod figures;
mod place;
mod process;

pub use figures::{Limits, load, median, percentile};
pub use place::Place;
pub use process::{Cost, cost, descendants, pss, threads};
