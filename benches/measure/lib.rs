//! Provides what every bench needs: medians and paired ratios, tables with the wanted limits, the cost of a process, a
//! directory to work in.
#![allow(clippy::missing_panics_doc)] // A bench that cannot measure has nothing else to say.

mod figures;
mod interrupt;
mod process;
mod samples;
mod table;
mod work_dir;

pub use figures::{Limits, load, median, number, percentile};
pub use interrupt::on_interrupt;
pub use process::{Cost, cost, descendants, pss, threads};
pub use samples::{Samples, interleave};
pub use table::Table;
pub use work_dir::WorkDir;
