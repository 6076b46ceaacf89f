//! Parses the command line.

use std::path::PathBuf;
use std::time::Duration;

/// The settings of a sweep.
pub(crate) struct Options {
    /// The time limit; without it, every point runs.
    pub(crate) sample: Option<Duration>,
    /// The number of points to run; without it, every point runs.
    pub(crate) points: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) only: Option<String>,
    /// The number of points to skip.
    pub(crate) skip: usize,
    pub(crate) workers: usize,
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { sample: None, points: None, seed: 1, only: None, skip: 0, workers: 2 };
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{option}` wants a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("`{option}` wants a number"));
        let count = || value.parse::<usize>().map_err(|_| format!("`{option}` wants a number"));
        match option.as_str() {
            "--sample" => options.sample = Some(Duration::from_secs(number()?)),
            "--points" => options.points = Some(count()?),
            "--seed" => options.seed = number()?,
            "--skip" => options.skip = count()?,
            "--workers" => options.workers = count()?,
            "--only" => options.only = Some(value),
            _ => return Err(format!("unknown option `{option}`")),
        }
    }
    Ok(options)
}

/// Returns the path of the helper program, in the directory of this one.
pub(crate) fn lab_program() -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let lab = this.with_file_name("lab");
    let hint = || format!("`{}` is missing: cargo build -p daemonic-tests --bin lab", lab.display());
    if lab.exists() { Ok(lab) } else { Err(hint()) }
}
