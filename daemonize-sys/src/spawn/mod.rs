//! Forks a child and executes its program, without blocking on the file systems of its files.
//!
//! The child itself opens its directory and its program, and reports a failure through a close-on-exec pipe. EOF on the pipe means that
//! the program is executed. The parent reads the pipe when it is readable ([`PendingChild::poll`]), so a child that hangs on an
//! unresponsive mount does not block the parent. This needs a copy of the memory, as `fork(2)` makes it: with `vfork(2)` the parent
//! would wait until the program is executed. With a copy, a child that changes its user does not affect the parent's dumpable
//! attribute either.
//!
//! The table of file descriptors is not copied. With thousands of pipes, copying it takes longer than all other steps, and each child
//! would close a copy of every log file, also on a mount where close(2) hangs. Parent and child share the table (`CLONE_FILES`) until
//! `close_range(2)` gives the child its own one, with the file descriptors below a limit; the parent waits for that call, which
//! accesses no file. All file descriptors for the child therefore have numbers below that limit: see [`FdTable`]. Before Linux 5.9, or
//! where seccomp blocks `close_range(2)`, the table is copied, and the child closes other file descriptors one by one.

mod change_user;
mod child;
mod fd_table;
mod image;
mod listen_pid;
mod pending;
mod program;
mod resources;
mod steps;
#[cfg(test)]
mod tests;

pub use fd_table::FdTable;
pub use image::{Image, LINK};
pub use pending::PendingChild;
pub use program::{FIRST_SOCKET, Identity, Program, STREAMS};
pub use resources::{Resources, Rlimit};
pub use steps::SpawnError;
