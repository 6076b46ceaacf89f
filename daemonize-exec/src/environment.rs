//! The environment of a daemon that is launched by exec.

/// The environment of the daemon's process: see [`ExecDaemon::environment`](crate::ExecDaemon::environment).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// The variables that a login would set, without those of the terminal and the tool that happen to start the daemon.
    #[default]
    Clean,
    /// All variables of the starting process.
    Inherit,
    /// Those of `Clean`, and the starting process's variables with these names.
    Names(Vec<String>),
}
