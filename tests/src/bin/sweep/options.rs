//! What the command line says.

use std::path::PathBuf;
use std::time::Duration;

/// The sweep to be made.
pub(crate) struct Options {
    /// How long it may take; all of it without.
    pub(crate) sample: Option<Duration>,
    /// How many points are run; all without.
    pub(crate) points: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) only: Option<String>,
    /// So many points of the order are done already.
    pub(crate) skip: usize,
    pub(crate) workers: usize,
}

/// Parses the arguments behind the program's name.
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

/// The helper program, which lies beside this one.
pub(crate) fn lab_program() -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let lab = this.with_file_name("lab");
    let hint = || format!("`{}` is missing: cargo build -p daemonic-tests --bin lab", lab.display());
    if lab.exists() { Ok(lab) } else { Err(hint()) }
}
