//! Log files: where they are, how they are opened, rotated and reopened, and the timestamps of their lines.
//!
//! A log without bounds and timestamps is a file that the streams lead to; no code of this library sees what is written. The two
//! other kinds are [managed](ManagedLog):
//!
//! * [`bounded`]: the streams lead to the plain file as well. A thread waits until the file grows (`inotify(7)`), and rotates it when
//!   it exceeds its maximum size: it renames the file, opens a new one, and redirects the streams (`rename(2)`, `dup2(2)`).
//! * [`stamped`]: the streams lead to a pipe. A thread reads it, puts the time before each line, and writes and rotates the file.
//!
//! Rotation and reopening (SIGHUP) hold the same lock, so that the streams never lead back to a file that was renamed. Daemons
//! that share a file exclude each other by `flock(2)` on that file: see [`rotation`].
//!
//! Each kind is linked only into programs that use it: its setting enables it by a function pointer.

mod bounded;
mod default_path;
mod managed;
mod open;
mod pace;
mod report;
mod rotation;
mod stamped;
mod stamped_file;
mod stamps;

pub(crate) use bounded::enable_bounds;
pub(crate) use default_path::{default_path, enable_default_path, make_default_directory};
pub(crate) use managed::{Bounds, LogTarget, ManagedLog, complete, exit_now, manage};
pub(crate) use open::{LogFiles, Owner};
pub(crate) use stamped::enable_timestamps;
