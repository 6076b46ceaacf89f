//! Forking a child and executing its program, without waiting for whatever its files are on.
//!
//! The child opens its directory and its program itself and reports a failure through a pipe that is close-on-exec: the end of that
//! pipe means that the program is executed. The parent reads the pipe when it is readable ([`PendingChild::poll`]), so a child that
//! hangs on a mount that does not answer keeps nothing waiting. For this the memory is copied (`fork(2)`, as far as the child is
//! concerned): a child that borrowed it (`vfork(2)`) would have the parent wait until the program is executed. A copy also keeps
//! a child that becomes another user from changing what the kernel lets others see of the parent.
//!
//! The table of descriptors is not copied, which takes longer than all the rest with thousands of pipes, and which would have each
//! child close a copy of every log, also of one on a mount where that hangs. Parent and child share the table (`CLONE_FILES`) until
//! `close_range(2)` gives the child one of its own, with the descriptors below a limit; the parent waits for that, which involves
//! no file. So whatever the child shall have lies below that limit: see [`FdTable`]. Where that call is missing (before Linux 5.9)
//! or forbidden (by the filter of an old container engine), the table is copied, and the child closes what is not its own one by
//! one.

mod change_user;
mod child;
mod fd_table;
mod pending;
mod program;
mod steps;
#[cfg(test)]
mod tests;

pub use fd_table::FdTable;
pub use pending::PendingChild;
pub use program::{Identity, Program, STREAMS};
pub use steps::SpawnError;
