//! The verbs of a daemon's program, as a `clap::Subcommand`.

/// The verbs of a daemon, for programs with a command line of their own.
#[derive(clap::Subcommand, Clone, Debug)]
#[non_exhaustive]
pub enum Verb {
    /// Starts the daemon in the background.
    Start,
    /// Stops the daemon.
    Stop,
}
