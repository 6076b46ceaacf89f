//! Log files: where they are, how they are opened, how they are rotated, and the timestamps of their lines.
//!
//! Each part is linked only into programs that use it: a setting enables it by a function pointer.

mod default_path;
mod enable;
mod open;

pub(crate) use default_path::{default_path, enable_default_path, make_default_directory};
pub(crate) use enable::{enable_bounds, enable_timestamps};
pub(crate) use open::{LogFiles, Owner};

/// The bounds of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The size in bytes at which the file is rotated.
    pub(crate) max_size: u64,
    /// The number of old files.
    pub(crate) keep: u32,
}
