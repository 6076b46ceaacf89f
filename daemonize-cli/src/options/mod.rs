//! The options of the verbs: the standard options that override a daemon's keys, and those of single verbs.

mod instance;
mod log_lines;
mod other_verbs;
mod read;
mod start;
mod strip;
mod target;

pub(crate) use instance::InstanceName;
pub(crate) use log_lines::LineCount;
pub use other_verbs::{LogsOptions, ReloadOptions, SendOptions, StatusOptions};
pub(crate) use read::{PREFIX, flag, implement_args, value};
pub use start::StartOptions;
pub use target::TargetOptions;

/// The heading of the standard options in the help.
pub(crate) const DAEMON_OPTIONS: &str = "Daemon options";
