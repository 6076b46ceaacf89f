//! The arguments of `init`.

use clap::{Args, ValueHint};
use std::path::PathBuf;

/// The file to which a new configuration is written.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// File to write, instead of that of `-c` [default: `/etc/daemonctl.toml` for root, else `~/.config/daemonctl.toml`].
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
}
