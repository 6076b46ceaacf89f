//! The options of `run`.

use clap::{Args, ValueEnum};

/// The form of the lines on the monitor's stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConsoleFormat {
    /// The name of the bot, then the line.
    #[default]
    Text,
    /// One JSON object per line: `time`, `bot`, `stream`, `run`, `text`.
    Json,
}

/// The arguments of `run`.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RunArguments {
    /// Prints every line of every bot, and the monitor's own messages, on stdout, as a container wants it [default: if stdout is not a
    /// terminal, and no service manager started the monitor].
    #[arg(long, overrides_with = "no_container")]
    pub(crate) container: bool,
    /// Prints only the monitor's own messages, where `log` says.
    #[arg(long, overrides_with = "container")]
    pub(crate) no_container: bool,
    /// The form of the lines on stdout; implies `--container`.
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "no_container")]
    pub(crate) format: Option<ConsoleFormat>,
}
