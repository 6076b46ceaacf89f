//! The program of a child, and what the child is before it executes the program.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// stdin, stdout, stderr and the pipe of events: 0 to 3 in the child.
pub const STREAMS: usize = 4;

/// The program of a child and what it is to be, in the form that the kernel takes.
pub struct Program<'a> {
    /// The paths at which the program may be, in the order to be tried.
    pub paths: &'a [&'a CStr],
    /// The arguments, the name of the program first.
    pub arguments: &'a [&'a CStr],
    /// The environment, as `NAME=VALUE`.
    pub environment: &'a [&'a CStr],
    /// The working directory; that of the parent for `None`.
    pub directory: Option<&'a CStr>,
    /// The umask; that of the parent for `None`.
    pub umask: Option<u32>,
    /// `true` if no program that it executes may give it more rights.
    pub no_new_privs: bool,
    /// The user and the groups; those of the parent for `None`.
    pub identity: Option<Identity<'a>>,
    /// Soft and hard `RLIMIT_NOFILE`, as before the monitor raised them.
    pub descriptors: Option<(libc::rlim_t, libc::rlim_t)>,
    /// Sent to the child when the thread that made it ends.
    pub death_signal: i32,
    /// The descriptors that become its streams, 0 to 3; `/dev/null` for `None`.
    pub streams: [Option<BorrowedFd<'a>>; STREAMS],
}

/// The user and the groups that a child is to have.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The user id; unchanged for `None`.
    pub user: Option<u32>,
    /// The group id; unchanged for `None`.
    pub group: Option<u32>,
    /// The supplementary groups, sorted, each once; unchanged for `None`.
    pub groups: Option<&'a [u32]>,
}
