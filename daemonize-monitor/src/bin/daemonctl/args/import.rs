//! The arguments of `import`.

use crate::import::ImportFormat;
use clap::{Args, ValueHint};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    /// File of another supervisor; `-` is standard input.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Its format [default: by its content].
    #[arg(long, value_enum)]
    pub(crate) format: Option<ImportFormat>,
    /// New file for the configuration [default: standard output].
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}
